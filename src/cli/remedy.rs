//! Hints that name a command: what else helps after a refusal.

use std::borrow::Cow;

use crate::admin::{Refusal, RefusalKind, Remedy};
use crate::texts::Text;

/// Returns what to do about a refusal.
pub(super) fn hint(refusal: &Refusal) -> Option<String> {
    let Some(remedy) = &refusal.remedy else { return refusal.hint.as_ref().map(Text::in_english) };
    let (joint, words) = in_words(remedy, refusal.kind);
    Some(match &refusal.hint {
        Some(hint) => format!("{}{joint}{words}", hint.in_english()),
        None => words.into_owned(),
    })
}

/// Returns the words for a remedy, and what joins them to a hint before.
fn in_words(remedy: &Remedy, kind: RefusalKind) -> (&'static str, Cow<'static, str>) {
    let (joint, words) = match remedy {
        Remedy::ListAccounts => ("; ", "`gatelodge user list` shows them"),
        Remedy::ListGroups => (": ", "see `gatelodge group list`"),
        // What was typed may be an id all the same, of an invitation that is gone.
        Remedy::ListInvitations if kind == RefusalKind::Unknown => (": ", "see `gatelodge invite list`"),
        Remedy::ListInvitations => ("; ", "`gatelodge invite list` shows them"),
        Remedy::ListMails => ("; ", "`gatelodge mail list` shows them"),
        Remedy::ListRegistrations => (": ", "see `gatelodge approval list`"),
        Remedy::ListTokens => (": ", "see `gatelodge token list USER`"),
        Remedy::ListAppPasswords => (": ", "see `gatelodge app-password list USER`"),
        Remedy::ListLimits => (": ", "see `gatelodge throttle list`"),
        Remedy::ShowAccount => ("; ", "`gatelodge user show` with it shows that account"),
        Remedy::AddAccount => (", ", "or add the account with `gatelodge user add`"),
        Remedy::ReplaceRegistrations => {
            ("; ", "add the account with `gatelodge user add`, which deletes the registrations")
        }
        Remedy::AddByUsername(name) => return (": ", format!("gatelodge user add --username {name}").into()),
        Remedy::FreeUsername(name) => {
            return ("; ", format!("`gatelodge user free-username {name}` frees it").into());
        }
        Remedy::AddAdministrator => (": ", "gatelodge user group add USER admins"),
        Remedy::DisbandGroup => (": ", "gatelodge group disband GROUP"),
        Remedy::GivePassword => ("; ", "give one with --password-stdin"),
        Remedy::NotePhone => ("; ", "the number itself is noted with --phone"),
    };
    (joint, words.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::texts::refusal::{no_account, no_invitation, not_an_address, reason, username_by_itself};

    #[test]
    fn a_command_goes_on_where_the_hint_ends() {
        let told = |refusal: Refusal| hint(&refusal).unwrap_or_default();
        let unknown = Refusal::unknown(no_account("bob"), reason("name it by id")).with(Remedy::ListAccounts);
        assert_eq!(told(unknown), "name it by id; `gatelodge user list` shows them");
        let misspelt = Refusal::invalid(not_an_address("bob"), username_by_itself());
        let by_name = told(misspelt.with(Remedy::AddByUsername("bob".into())));
        assert_eq!(by_name, "a user name is given by itself: gatelodge user add --username bob");
        let gone = |refusal: Refusal| told(refusal.with(Remedy::ListInvitations));
        assert_eq!(gone(Refusal::unknown(no_invitation("x"), None)), "see `gatelodge invite list`");
        assert_eq!(gone(Refusal::invalid(reason("x is not an id"), None)), "`gatelodge invite list` shows them");
        assert_eq!(told(Refusal::conflict(reason("it is taken"), reason("give another"))), "give another");
        assert_eq!(hint(&Refusal::conflict(reason("it is taken"), None)), None);
    }
}
