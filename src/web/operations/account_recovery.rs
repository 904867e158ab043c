//! Account recovery by "this was not me" links.

use crate::accounts::account_recovery::Recovered;
use crate::admin::RefusalKind;
use crate::texts::refusal;
use crate::web::context::Web;
use crate::web::failure::Failure;
use crate::web::fields::Fields;
use crate::web::request::Request;

/// Takes back the account that the link belongs to.
pub(crate) async fn take_back(
    web: &Web,
    request: &Request,
    token: Option<&str>,
    mut fields: Fields,
) -> Result<(), Failure> {
    let values = (token.map(str::to_owned).or_else(|| fields.token()),);
    let (token,) = fields.finish(values)?;
    match web.app.take_back(token, request.client()).await? {
        Recovered::Done => Ok(()),
        Recovered::AddressTaken => Err(Failure::Refused(RefusalKind::Conflict, refusal::address_belongs_to_another())),
        Recovered::Refused(fault) => {
            let failure = Failure::from(fault);
            if failure.is_a_bad_link() {
                web.app.charge_link(request.client()).await?;
            }
            Err(failure)
        }
    }
}
