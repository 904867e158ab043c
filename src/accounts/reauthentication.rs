//! Reauthentication: a fresh proof of who somebody is, for what a session of some age is not enough for.

use crate::audit::Act;
use crate::base::{AccountId, Timestamp};
use crate::config::Config;
use crate::crypto::{Bearer, Digest, PasswordHash, TypedCode};
use crate::factors::{self, CodeProof, CodePurpose, ProofOption};
use crate::sessions::{self, Client, Method, Session};
use crate::store::StoreError;
use crate::throttle;

use super::attempt_limits::AttemptLimits;
use super::{Work, notices, person, second_factor, spent};

/// Whether a session's last proof is recent enough for sensitive actions, and complete: a trusted browser skips the
/// second factor at login, but not for these.
#[must_use]
pub fn is_fresh(config: &Config, session: &Session, has_second_factor: bool, now: Timestamp) -> bool {
    let is_whole = !has_second_factor || session.has_second_factor();
    // A proof from the future was made while the clock was ahead: how old it is, nobody knows.
    let is_known = session.proved_at <= now;
    is_whole && is_known && now.since(session.proved_at) <= config.session.fresh.seconds()
}

/// The proof that somebody gives.
#[derive(Clone, Debug)]
pub struct Proof {
    /// The digest of the session's secret.
    pub session: Digest,
    /// The password's hash, which was verified; none for an account without a password.
    pub verified: Option<PasswordHash>,
    /// A code of a second factor, if one was given.
    pub code: Option<TypedCode>,
    /// The buckets that a wrong code is charged to.
    pub tries: AttemptLimits,
    /// The client that sent it.
    pub client: Client,
}

/// The reason for refusing a proof.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum ProofRefused {
    /// The password is wrong, or was changed meanwhile; or the session has ended.
    WrongPassword,
    /// A code is needed as well, of one of these kinds.
    CodeNeeded(Vec<ProofOption>),
    /// The code is wrong, or was used.
    WrongCode,
}

/// Records the proof, and gives the session a new secret (ASVS 5.0, 7.2.4).
pub fn prove(
    work: &mut Work<'_>,
    account: AccountId,
    proof: &Proof,
) -> Result<Result<(Bearer, Session), ProofRefused>, StoreError> {
    let now = work.now();
    // The password was verified outside this transaction: if it was changed meanwhile, or the session has ended, the
    // proof is void.
    let Some(person) = person::load(work.tx, account)?.filter(|person| person.account.password == proof.verified)
    else {
        return Ok(Err(ProofRefused::WrongPassword));
    };
    let Some(session) = sessions::find(work.tx, proof.session)?.filter(|session| session.account == account) else {
        return Ok(Err(ProofRefused::WrongPassword));
    };
    let mut methods: Vec<Method> = proof.verified.iter().map(|_| Method::Password).collect();
    if factors::has_any(work.tx, account)? {
        // Nothing is recorded yet: half a proof must neither renew the session nor clear its failures.
        let Some(code) = &proof.code else {
            return Ok(Err(ProofRefused::CodeNeeded(second_factor::options(work.tx, account)?)));
        };
        let (purpose, bound_to) = (CodePurpose::session(session.id), person.credentials());
        let given = CodeProof { account, code, purpose, bound_to };
        let Some(proved) = factors::verify(work.tx, now, &work.env.seal, &given)? else {
            second_factor::refuse(work, &proof.tries, &proof.client, &person)?;
            return Ok(Err(ProofRefused::WrongCode));
        };
        second_factor::note_proved(work, &person, proved)?;
        methods.push(proved.method);
        // A session that began with a second factor was reported at its login.
        let is_news = !session.has_second_factor();
        if let Some(letter) = second_factor::notice_of_use(work.env, &methods, now).filter(|_| is_news) {
            notices::tell(work, &person, &letter)?;
        }
    }
    // Only with the whole proof: a right password must not clear the count of wrong codes.
    throttle::passed_in_session(work.tx, session.id)?;
    let renewed = spent::renew_session(work, account, session.id, Act::ProvedAgain, &methods)?;
    let Some((secret, session)) = renewed else { return Ok(Err(ProofRefused::WrongPassword)) };
    work.audit(&proof.client.owner_of(account), Act::ProvedAgain, account)?;
    Ok(Ok((secret, session)))
}
