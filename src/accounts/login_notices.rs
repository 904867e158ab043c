//! Records logins, and tells owners of those that may not be theirs.

use crate::config::LoginNotices;
use crate::mail::Letter;
use crate::sessions::{self, Carrier, Client, Method, Novelty, agent_text};
use crate::store::StoreError;

use super::{Person, Work, known_devices, notices, recovery_link, second_factor};

/// Whether the configuration wants the owner to be told of a login so new.
fn is_told(notices: LoginNotices, novelty: Novelty) -> bool {
    match notices {
        LoginNotices::DeviceOrNetwork => novelty.device || novelty.network,
        LoginNotices::Device => novelty.device,
        LoginNotices::Never => false,
    }
}

/// Records a login, and tells the owner if it comes from a new place, or else if a second factor was used.
pub(super) fn note_login(
    work: &mut Work<'_>,
    person: &Person,
    client: &Client,
    carrier: Carrier,
    methods: &[Method],
) -> Result<(), StoreError> {
    let now = work.now();
    // A program shows no cookie of its own, so a cookie that comes with a bearer login says nothing about it.
    let knows_browser =
        !carrier.is_bearer() && known_devices::of_client(work.tx, work.env, person.id, client, now)?.is_some();
    let came = (now, client.network, client.agent.as_str());
    let (note, novelty) = sessions::note_login(work.tx, &work.env.seal, person.id, came, knows_browser)?;
    if !is_told(work.env.config.login.notices, novelty) {
        let letter = second_factor::notice_of_use(work.env, methods, now);
        return letter.map_or(Ok(()), |letter| notices::tell(work, person, &letter));
    }
    // The mail carries the link to take the account back: to report a theft without the means to stop it would be too
    // little.
    let link = recovery_link::sign(work, person)?;
    let letter = Letter::NewLogin { at: note.at, network: note.network, device: agent_text(&note.device), link };
    notices::tell(work, person, &letter)
}
