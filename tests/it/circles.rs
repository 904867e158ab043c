//! No file needs one that needs it, by however long a way: whoever reads a file can stop at those that it names.

use std::collections::{BTreeMap, BTreeSet};

use crate::tidy::{code, sources};

/// The segments of a module's path, or of an item's, from the crate on.
type Path = Vec<String>;

/// Every module that is a file, with its code, and what it hands on of others.
struct House {
    files: BTreeMap<Path, String>,
    handed_on: BTreeMap<Path, BTreeMap<String, Path>>,
}

/// A `use` of one name.
struct Use {
    path: Path,
    name: String,
    is_handed_on: bool,
}

fn segments(text: &str) -> Path {
    text.split("::").map(|segment| segment.trim().to_owned()).filter(|segment| !segment.is_empty()).collect()
}

/// What stands between the outermost commas.
fn members(list: &str) -> Vec<&str> {
    let (mut depth, mut from, mut found) = (0, 0, Vec::new());
    for (at, c) in list.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                found.push(&list[from..at]);
                from = at + 1;
            }
            _ => {}
        }
    }
    found.push(&list[from..]);
    found.into_iter().map(str::trim).filter(|member| !member.is_empty()).collect()
}

/// The paths of a tree as `a::{b, c::{self, d as e}}`, each with the name that it has afterwards.
fn leaves(tree: &str, before: &[String]) -> Vec<(Path, String)> {
    if let Some((prefix, list)) = tree.split_once('{') {
        let prefix = [before, &segments(prefix)].concat();
        let list = list.trim_end().strip_suffix('}').expect("a list ends");
        return members(list).into_iter().flat_map(|member| leaves(member, &prefix)).collect();
    }
    let (path, alias) = tree.split_once(" as ").map_or((tree, None), |(path, alias)| (path, Some(alias.trim())));
    let mut path = [before, &segments(path)].concat();
    path.retain(|segment| segment != "self" || before.is_empty());
    let name = alias.map(str::to_owned).or_else(|| path.last().cloned()).unwrap_or_default();
    vec![(path, name)]
}

fn uses(code: &str) -> (Vec<Use>, String) {
    let (mut found, mut rest) = (Vec::new(), String::new());
    let mut open: Option<String> = None;
    for line in code.lines() {
        let trimmed = line.trim_start();
        let begins =
            ["use ", "pub use ", "pub(crate) use ", "pub(super) use "].iter().any(|it| trimmed.starts_with(it));
        let Some(statement) = open.take().or_else(|| begins.then(String::new)).map(|so_far| so_far + trimmed + " ")
        else {
            rest += line;
            rest.push('\n');
            continue;
        };
        let Some((statement, _)) = statement.split_once(';') else {
            open = Some(statement);
            continue;
        };
        let (visibility, tree) = statement.split_once("use ").expect("it begins so");
        let is_handed_on = !visibility.is_empty();
        found.extend(leaves(tree, &[]).into_iter().map(|(path, name)| Use { path, name, is_handed_on }));
    }
    (found, rest)
}

impl House {
    fn read() -> Self {
        let path_of = |file: &str| {
            let module = file.trim_end_matches(".rs");
            segments(&module.strip_suffix("/mod").unwrap_or(module).replace('/', "::"))
        };
        let sources = sources().into_iter().filter(|(file, _)| !["main.rs", "lib.rs"].contains(&file.as_str()));
        let files: BTreeMap<Path, String> = sources.map(|(file, text)| (path_of(&file), code(&text))).collect();
        let mut house = Self { files, handed_on: BTreeMap::new() };
        for (module, code) in &house.files {
            let handed_on = uses(code).0.into_iter().filter(|it| it.is_handed_on);
            let names = handed_on.filter_map(|it| Some((it.name, house.absolute(module, &it.path)?))).collect();
            house.handed_on.insert(module.clone(), names);
        }
        house
    }

    /// A path as it is written in a module, from the crate on; none if it leads elsewhere.
    fn absolute(&self, module: &[String], path: &[String]) -> Option<Path> {
        let up = path.iter().take_while(|segment| *segment == "super").count();
        match path.first()?.as_str() {
            "crate" => Some(path[1..].to_vec()),
            "self" => Some([module, &path[1..]].concat()),
            "super" => Some([&module[..module.len().checked_sub(up)?], &path[up..]].concat()),
            first => {
                let child = [module, &[first.to_owned()]].concat();
                self.files.contains_key(&child).then(|| [module, path].concat())
            }
        }
    }

    /// The file in which an item is written down, through whatever hands it on.
    fn file_of(&self, item: &[String]) -> Option<&Path> {
        let length = (1..=item.len()).rev().find(|length| self.files.contains_key(&item[..*length]))?;
        let (module, rest) = self.files.get_key_value(&item[..length]).map(|(module, _)| (module, &item[length..]))?;
        match rest.first().and_then(|name| self.handed_on.get(module)?.get(name)) {
            Some(origin) => self.file_of(&[origin, &rest[1..]].concat()),
            None => Some(module),
        }
    }

    /// The files that one needs. Handing on is not needing.
    fn needs(&self, module: &Path) -> BTreeSet<&Path> {
        let (uses, body) = uses(&self.files[module]);
        let imported = uses.into_iter().filter(|it| !it.is_handed_on).map(|it| it.path);
        let is_of_a_path = |c: char| c.is_alphanumeric() || c == '_' || c == ':';
        let named = body.split(|c| !is_of_a_path(c)).filter(|word| word.contains("::")).map(segments);
        let found = imported.chain(named).filter_map(|path| self.file_of(&self.absolute(module, &path)?));
        found.filter(|found| *found != module).collect()
    }
}

#[test]
fn no_files_need_each_other() {
    let house = House::read();
    let mut needs: BTreeMap<&Path, BTreeSet<&Path>> =
        house.files.keys().map(|module| (module, house.needs(module))).collect();
    let arrows: usize = needs.values().map(BTreeSet::len).sum();
    assert!(needs.len() > 250 && arrows > 1_000, "{} files, {arrows} arrows", needs.len());
    // What needs nothing that is left goes, until nothing is left, or what needs each other.
    loop {
        let free: BTreeSet<&Path> =
            needs.iter().filter(|(_, needed)| needed.is_empty()).map(|(file, _)| *file).collect();
        if free.is_empty() {
            break;
        }
        needs.retain(|file, _| !free.contains(file));
        for needed in needs.values_mut() {
            needed.retain(|file| !free.contains(file));
        }
    }
    // And what nobody needs that is left.
    loop {
        let needed: BTreeSet<&Path> = needs.values().flatten().copied().collect();
        let before = needs.len();
        needs.retain(|file, _| needed.contains(file));
        if needs.len() == before {
            break;
        }
    }
    let told = |(file, needed): (&&Path, &BTreeSet<&Path>)| {
        let needed: Vec<String> = needed.iter().map(|file| file.join("/")).collect();
        format!("{} needs {}", file.join("/"), needed.join(", "))
    };
    let circles: Vec<String> = needs.iter().map(told).collect();
    assert!(circles.is_empty(), "these need each other:\n{}", circles.join("\n"));
}

#[test]
fn a_tree_of_names_is_read_as_the_compiler_reads_it() {
    let (found, rest) =
        uses("use super::a::{self, b as c,\n    d::{E, F},\n};\npub use crate::g;\nfn x() { super::h::i() }\n");
    let found: Vec<(String, String)> = found.into_iter().map(|it| (it.path.join("::"), it.name)).collect();
    let expected =
        [("super::a", "a"), ("super::a::b", "c"), ("super::a::d::E", "E"), ("super::a::d::F", "F"), ("crate::g", "g")];
    assert_eq!(found, expected.map(|(path, name)| (path.to_owned(), name.to_owned())));
    assert_eq!(rest, "fn x() { super::h::i() }\n");
}
