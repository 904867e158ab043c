//! Finds the route of a request.

use http::Method;

use super::access::Audience;
use super::encoded::{percent_decoded, whole_token};
use super::failure::Failure;
use super::route::Route;

/// Routes by path, then by method.
pub(super) struct Router(matchit::Router<Vec<(usize, &'static Route)>>);

/// A route, its number in the list, and the values of its `{…}`.
pub(super) struct Found {
    pub number: usize,
    /// The row.
    pub route: &'static Route,
    /// The values of its `{…}`, by name.
    pub parameters: Vec<(String, String)>,
}

impl Router {
    pub(super) fn new(routes: &'static [Route]) -> Self {
        let mut by_path: Vec<(&str, Vec<(usize, &'static Route)>)> = Vec::new();
        for row in routes.iter().enumerate() {
            match by_path.iter_mut().find(|(path, _)| *path == row.1.path) {
                Some((_, rows)) => rows.push(row),
                None => by_path.push((row.1.path, vec![row])),
            }
        }
        let mut router = matchit::Router::new();
        for (path, rows) in by_path {
            router.insert(path, rows).expect("the paths of the route list do not contradict each other");
        }
        Self(router)
    }

    /// Returns the audience of a path; all its routes share one.
    pub(super) fn audience(&self, path: &str) -> Option<Audience> {
        self.0.at(path).ok()?.value.first().map(|(_, route)| route.audience)
    }

    /// Whether a route has this path, by whatever method.
    pub(super) fn has(&self, path: &str) -> bool {
        self.0.at(path).is_ok()
    }

    pub(super) fn find(&self, method: &Method, path: &str) -> Result<Found, Failure> {
        let found = self.0.at(path).map_err(|_| Failure::NotFound)?;
        let wanted = if *method == Method::HEAD { "GET" } else { method.as_str() };
        let takes = |route: &Route| route.method == wanted || route.method == "*";
        let Some((number, route)) = found.value.iter().find(|(_, route)| takes(route)) else {
            let methods: Vec<&str> = found.value.iter().map(|(_, route)| route.method).collect();
            let head = if methods.contains(&"GET") { ", HEAD" } else { "" };
            return Err(Failure::MethodNotAllowed(methods.join(", ") + head));
        };
        // The path below is that of another application's request, which is read in its own way.
        if route.audience == Audience::Door {
            return Ok(Found { number: *number, route, parameters: vec![] });
        }
        // Decoded once, and only after the route was found: an encoded slash is part of a value, and never leads to
        // another route.
        let parameter = |(name, value): (&str, &str)| {
            let value = percent_decoded(value.as_bytes())?;
            let value = if name == "token" { whole_token(&value).to_owned() } else { value };
            Ok((name.to_owned(), value))
        };
        let parameters = found.params.iter().map(parameter).collect::<Result<_, Failure>>()?;
        Ok(Found { number: *number, route, parameters })
    }
}

impl Router {
    /// Returns the page that was meant by a path with a slash at its end, or with capitals: always a path of ours.
    pub(super) fn meant_by(&self, path: &str) -> Option<String> {
        let shorter = path.trim_end_matches('/');
        if shorter != path && self.0.at(shorter).is_ok() {
            return Some(shorter.to_owned());
        }
        // Not where a secret is part of the path: tokens are case-sensitive.
        let smaller = shorter.to_ascii_lowercase();
        (smaller != path && self.0.at(&smaller).is_ok_and(|found| found.params.is_empty())).then_some(smaller)
    }

    /// Returns the page that a path belongs to: itself, or, for a path that only takes forms, the nearest page above
    /// it.
    pub(super) fn page_of<'a>(&self, path: &'a str) -> &'a str {
        let mut page = path;
        while self.find(&Method::GET, page).is_err() {
            match page.rsplit_once('/') {
                Some((above, _)) if !above.is_empty() => page = above,
                _ => return path,
            }
        }
        page
    }
}
