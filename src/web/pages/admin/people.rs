//! Finding people.

use crate::admin::answers::{Account, Page};
use crate::admin::{Command, PeopleWanted};
use crate::templates::context;
use crate::web::context::Web;
use crate::web::failure::Failure;
use crate::web::operations::read_answer;
use crate::web::reply::Reply;
use crate::web::request::Request;

use super::shell::{ROWS, again, echo, given, present, show, with_query};

/// The template.
const PAGE: &str = "admin-people.html";

/// `GET /admin/people`
pub(crate) async fn people(web: &Web, request: &Request) -> Result<Reply, Failure> {
    let (q, group, only) = (given(request, "q"), given(request, "group"), given(request, "only"));
    let wanted = PeopleWanted {
        text: q.map(str::to_owned),
        group: group.map(str::to_owned),
        disabled: only == Some("disabled"),
        unconfirmed: only == Some("unconfirmed"),
        without_second_factor: only == Some("without-second-factor"),
        after: given(request, "after").map(str::to_owned),
        limit: ROWS,
    };
    let typed = context! { q => echo(q.unwrap_or_default()), group => echo(group.unwrap_or_default()), only => only.unwrap_or_default() };
    match read_answer::<Page<Account>>(web, request, Command::UserList(wanted)).await {
        Ok(Page { items, next }) => {
            let more = next.map(|next| {
                with_query("/admin/people", &[("q", q), ("group", group), ("only", only), ("after", Some(&next))])
            });
            let values =
                context! { people => present(web, request, &items), more => more.unwrap_or_default(), ..typed };
            show(web, request, PAGE, values)
        }
        Err(failure) => {
            let nobody: [Account; 0] = [];
            again(
                web,
                request,
                &failure,
                (PAGE, context! { people => present(web, request, &nobody), more => "", ..typed }),
            )
        }
    }
}
