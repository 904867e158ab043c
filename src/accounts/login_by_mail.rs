//! Login by mail, without a password: a link and six digits. Both work once, for ten minutes, and only for the browser
//! that asked, unless the reader says that they mean another one. Whoever has a second factor is asked for it all the
//! same.

use crate::audit::{Act, Outcome, Source};
use crate::base::{AccountId, Identity, Timestamp};
use crate::config::Span;
use crate::crypto::{Digest, Purpose, TokenFault, TypedCode};
use crate::factors::{self, CODE_WORKS_FOR, CodePurpose, TakenCode};
use crate::mail::Letter;
use crate::store::{Snapshot, StoreError};
use crate::throttle::{self, MailPurpose};

use super::attempt_limits::AttemptLimits;
use super::login;
use super::login_outcome::{FirstStep, LoginRefused};
use super::mail_rules::{may_be_mailed, may_take_mail};
use super::person::{self, Person};
use super::start_session::SessionRequest;
use super::{Env, Work, links, second_factor};
use crate::sessions::Method;

/// Mails link and digits to the owner of a name; never to an unconfirmed address.
pub(super) fn mail(work: &mut Work<'_>, identity: &Identity, context: CodePurpose) -> Result<(), StoreError> {
    let Some(mut person) = person::find(work.tx, identity)?.filter(may_be_mailed) else { return Ok(()) };
    let Some(to) = person.verified_address().cloned().filter(|_| work.env.config.login.by_mail) else { return Ok(()) };
    if factors::is_recent(work.tx, work.moment.now(), context)? || !may_take_mail(work, MailPurpose::LogIn, &to)? {
        return Ok(());
    }
    // The newest mail kills the link and the digits of older ones: each further one that is out would be one more
    // chance to guess.
    person.account.login_mail_count += 1;
    person::save(work.tx, person.id, &person.account)?;
    let whose = (person.id, person.credentials(), false);
    let Some(code) = factors::mail_code(work.tx, work.moment, &work.env.seal, whose, context)? else { return Ok(()) };
    let state = State::of(&person, context);
    let within = Span::from_seconds(CODE_WORKS_FOR);
    let link = work.signed_link(Purpose::LogIn, *context.bytes(), &state.parts(), within)?;
    work.audit(&Source::appliance(), Act::LoginMailed, person.id)?;
    work.mail(person.at(&to), &Letter::LogIn { link, code, within })
}

/// The state that a link is bound to, besides the digits that were mailed with it: it dies with them, when the password
/// or the address changes, when the owner takes the account back, and when a newer one is mailed.
struct State {
    account: AccountId,
    address: String,
    password: String,
    credentials: Digest,
    context: CodePurpose,
}

impl State {
    fn of(person: &Person, context: CodePurpose) -> Self {
        Self {
            account: person.id,
            address: person.verified_address().map(crate::base::EmailAddress::canonical).unwrap_or_default(),
            password: person.account.password.as_ref().map(ToString::to_string).unwrap_or_default(),
            credentials: person.credentials(),
            context,
        }
    }

    fn parts(&self) -> [&[u8]; 5] {
        [
            self.account.bytes(),
            self.address.as_bytes(),
            self.password.as_bytes(),
            &self.credentials.0,
            self.context.bytes(),
        ]
    }
}

/// A login link that works.
#[derive(Clone, Debug)]
pub struct Usable {
    /// The person whom it logs in.
    pub person: Person,
    /// The browser that it was asked for by.
    pub context: CodePurpose,
}

/// Looks up a link and changes nothing.
pub fn look_up(
    view: &dyn Snapshot,
    env: &Env,
    token: &str,
    now: Timestamp,
) -> Result<Result<Usable, TokenFault>, StoreError> {
    links::open(view, env, links::Presented { token, purposes: &[Purpose::LogIn] }, now, |opened| {
        let context = CodePurpose::from_bytes(opened.subject);
        // The waiting code is what makes the link work once: whichever of the two is used first takes both.
        let Some(account) = factors::waiting_code(view, now, context)? else { return Ok(None) };
        let person = person::load(view, account)?.filter(may_be_mailed);
        let person = person.filter(|person| env.is_bound(opened, &State::of(person, context).parts()));
        Ok(person.map(|person| Usable { person, context }))
    })
}

/// The means by which somebody logs in.
#[derive(Clone, Debug)]
pub enum LoginKey {
    /// The mailed link.
    Link(String),
    /// The mailed digits, and the browser that asked for them.
    Code(TypedCode, CodePurpose),
}

/// The findings made before the key is looked at.
#[derive(Clone, Debug)]
pub struct KeyCheck {
    /// Whether so many digits in a row were wrong that none count.
    pub is_locked_out: bool,
    /// The buckets that the attempt is charged to if it fails.
    pub tries: AttemptLimits,
}

/// Logs in whoever has the key.
pub fn conclude(
    work: &mut Work<'_>,
    key: &LoginKey,
    check: &KeyCheck,
    request: &SessionRequest,
) -> Result<FirstStep, StoreError> {
    let now = work.now();
    // Looked at first, so that a link is not used up by somebody who has to wait. Not so for digits: to refuse them
    // before they are known to be right would show that a mail went out, and so that there is an account.
    let waiting = match key {
        LoginKey::Link(token) => look_up(work.tx, work.env, token, now)?.ok().map(|usable| usable.person.id),
        LoginKey::Code(_, context) => factors::waiting_code(work.tx, now, *context)?,
    };
    if let Some(account) = waiting {
        let seconds = login::wait_to_log_in(work, account, &request.client)?;
        if seconds > 0 && matches!(key, LoginKey::Link(_)) {
            return Ok(Err(LoginRefused::TooMany(seconds)));
        }
    }
    let person = match key {
        LoginKey::Link(token) => match look_up(work.tx, work.env, token, now)? {
            Err(fault) => return Ok(Err(LoginRefused::BadLink(fault))),
            Ok(usable) => {
                factors::drop_code(work.tx, usable.context)?;
                links::spend(work.tx, work.moment, token)?;
                Some(usable.person)
            }
        },
        LoginKey::Code(code, context) => {
            let owner = match factors::waiting_code(work.tx, now, *context)? {
                Some(account) => person::load(work.tx, account)?,
                None => None,
            };
            // With too many wrong in a row no digits count (NIST SP 800-63B-4, 3.2.2); the link, which cannot be
            // guessed, still does.
            let bound_to = owner.as_ref().map_or(Digest([0; 32]), Person::credentials);
            let taken = match code {
                TypedCode::Digits(digits) if !check.is_locked_out => {
                    factors::take_code(work.tx, now, &work.env.seal, (*context, bound_to), digits.expose())?
                }
                TypedCode::Digits(_) | TypedCode::Recovery(_) => TakenCode::Wrong,
            };
            match taken {
                TakenCode::Right { account, .. } => person::load(work.tx, account)?.filter(may_be_mailed),
                TakenCode::Wrong => None,
            }
        }
    };
    let Some(person) = person.filter(|_| work.env.config.login.by_mail) else {
        let what = (Act::Login, Outcome::WrongCode);
        check.tries.record(work, &request.client.anyone(), what, crate::audit::Subject::NONE)?;
        if let Some(bucket) = &check.tries.hidden {
            second_factor::tell_of_codes(work, bucket.kind, AccountId::from_bytes(bucket.id))?;
        }
        return Ok(Err(LoginRefused::WrongCode));
    };
    throttle::passed_mailed_digits(work.tx, person.id)?;
    let method = match key {
        LoginKey::Link(_) => Method::LoginLink,
        LoginKey::Code(..) => Method::LoginCode,
    };
    login::finish_first_step(work, person, request, method)
}
