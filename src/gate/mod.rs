//! Access rules for other applications (forward auth): a reverse proxy asks about each request, and the first rule that
//! matches decides. Values and pure functions; nothing here does I/O.

mod decide;
mod doubt;
mod host;
mod index;
mod method;
mod original;
mod path;
mod path_pattern;
mod pattern_reach;
mod rule;
mod rule_user;
mod rules;
mod unreachable;
mod zones;

pub use decide::{AccessDecision, ProofKind, Visitor, decide, judge};
pub use doubt::Doubt;
pub use host::{Host, HostPattern};
pub use method::RequestMethod;
pub use original::{MAX_URL_BYTES, OriginalRequest, OriginalUrl, Scheme};
pub use path_pattern::{MAX_COMPILED_BYTES, MAX_PATTERN_BYTES, PathPrefix, PathRegex};
pub use pattern_reach::NeverMatches;
pub use rule::{AccessRule, Allow, Terms};
pub use rule_user::RuleUser;
pub use rules::{AccessRules, MAX_RULES, MatchedRule};
pub use unreachable::{UnreachableRule, unreachable_rules};
pub use zones::is_private_zone;
