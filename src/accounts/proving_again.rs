//! Proving anew who one is, for what a session of some age is not enough for.

use crate::audit::Act;
use crate::base::{AccountId, Timestamp};
use crate::config::Config;
use crate::crypto::{Bearer, Digest, PasswordHash, TypedCode};
use crate::factors::{self, Context};
use crate::sessions::{self, Client, Session};
use crate::store::StoreError;
use crate::throttle;

use super::tries::Tries;
use super::{Work, notices, person, second_factor, spent};

/// Whether a session's last proof is young enough for sensitive acts, and whole: a trusted browser is not asked for the second
/// factor when its owner logs in, but is for these.
#[must_use]
pub fn is_fresh(config: &Config, session: &Session, has_second_factor: bool, now: Timestamp) -> bool {
    let is_whole = !has_second_factor || factors::is_among(&session.methods);
    is_whole && now.since(session.proved_at) <= config.session.fresh.seconds()
}

/// What somebody proves themselves with.
#[derive(Clone, Debug)]
pub struct Proof {
    /// The digest of the session's secret.
    pub session: Digest,
    /// The password's hash, which was verified; none for an account without.
    pub verified: Option<PasswordHash>,
    /// A code of a second factor.
    pub code: Option<TypedCode>,
    /// What a wrong code costs.
    pub tries: Tries,
    /// Where it comes from.
    pub client: Client,
}

/// What came of it.
#[derive(Clone, Debug)]
pub enum ProvedAgain {
    /// The session goes on under a new secret.
    Done(Box<(Bearer, Session)>),
    /// The password was changed, or the session ended meanwhile.
    Overtaken,
    /// The account asks for a code as well.
    CodeNeeded,
    /// The code is wrong, or was used.
    WrongCode,
}

/// Notes the proof, and gives the session a new secret (ASVS 5.0, 7.2.4).
pub fn prove(work: &mut Work<'_>, account: AccountId, proof: &Proof) -> Result<ProvedAgain, StoreError> {
    let now = work.now();
    let Some(person) = person::load(work.tx, account)?.filter(|person| person.account.password == proof.verified)
    else {
        return Ok(ProvedAgain::Overtaken);
    };
    let Some(session) = sessions::find(work.tx, proof.session)?.filter(|session| session.account == account) else {
        return Ok(ProvedAgain::Overtaken);
    };
    let mut methods: Vec<&str> = proof.verified.iter().map(|_| "password").collect();
    if factors::is_on(work.tx, account)? {
        let Some(code) = &proof.code else { return Ok(ProvedAgain::CodeNeeded) };
        let context = Context::session(session.id);
        let Some(proved) =
            factors::prove(work.tx, now, &work.env.seal, account, code, (context, person.credentials()))?
        else {
            second_factor::refuse(work, (&proof.tries, &proof.client), &person)?;
            return Ok(ProvedAgain::WrongCode);
        };
        second_factor::note_proved(work, &person, proved)?;
        methods.push(proved.word());
        // A session that began with a factor was told of then.
        let is_news = !factors::is_among(&session.methods);
        if let Some(letter) = second_factor::notice_of_use(work.env, &methods, now).filter(|_| is_news) {
            notices::tell(work, &person, &letter)?;
        }
    }
    throttle::passed_in_session(work.tx, session.id)?;
    let renewed = spent::renew_session(work, (account, session.id, Act::ProvedAgain), &methods)?;
    let Some((secret, session)) = renewed else { return Ok(ProvedAgain::Overtaken) };
    work.audit(&proof.client.owner_of(account), Act::ProvedAgain, account)?;
    Ok(ProvedAgain::Done(Box::new((secret, session))))
}
