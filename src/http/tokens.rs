//! `/api/v1/tokens`: for administrators.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::CACHE_CONTROL;
use mainstem_model::Name;
use mainstem_security::{
    ADDRESS_RULES_MAX, AddressList, AddressRule, NewToken, TokenError, TokenInfo, TokenOrigin,
    Tokens,
};
use mainstem_wire::api::{NewTokenDocument, Page, ProblemDocument, TokenDocument, TokenText};

use crate::Api;
use crate::auth::Caller;
use crate::body::Document;
use crate::problem::{Code, Problem};
use crate::query::{Nothing, Params, Segment};

/// Bytes of a request for a token.
const TOKEN_BYTES_MAX: usize = 4096;

/// `GET /api/v1/tokens`.
#[utoipa::path(
    get,
    path = "/api/v1/tokens",
    tag = "tokens",
    responses((status = 200, description = "All of them", body = Page<TokenDocument>))
)]
pub(crate) async fn list(
    State(api): State<Arc<Api>>,
    _: Params<Nothing>,
    caller: Caller,
) -> Result<Json<Page<TokenDocument>>, Problem> {
    caller.need_admin()?;
    let items = api.tokens.list().into_iter().map(document);
    Ok(Json(Page::whole(items.collect())))
}

/// `POST /api/v1/tokens`: the text is shown this once.
#[utoipa::path(
    post,
    path = "/api/v1/tokens",
    tag = "tokens",
    request_body = NewTokenDocument,
    responses((status = 201, description = "The token; its text is shown this once", body = TokenText),
        (status = 409, description = "The node has as many tokens as it may", body = ProblemDocument),
        (status = 422, description = "No such role, a name in use, an end in the past", body = ProblemDocument))
)]
pub(crate) async fn create(
    State(api): State<Arc<Api>>,
    _: Params<Nothing>,
    caller: Caller,
    Document(asked): Document<NewTokenDocument, TOKEN_BYTES_MAX>,
) -> Result<Response, Problem> {
    caller.need_admin()?;
    if asked.expires.is_some_and(|end| end <= api.clock().now()) {
        let detail = "expires: the token would have ended before it was made";
        return Err(Problem::new(Code::Member, detail));
    }
    let provide = asked.provide.as_deref().map(Name::new).transpose();
    let new = NewToken {
        name: asked.name,
        role: asked.role,
        expires: asked.expires,
        provide: provide
            .map_err(|error| Problem::new(Code::Member, format!("provide: {error}")))?,
        from: addresses(asked.from)?,
    };
    let target = new.name.clone();
    let made = on_disk(&api, move |tokens| tokens.create(&new)).await;
    let outcome = if made.is_ok() { "done" } else { "refused" };
    api.note(&caller, "token.create", &target, outcome);
    let (info, token) = made?;
    let text = TokenText {
        token,
        info: document(info),
    };
    let headers = [(CACHE_CONTROL, "no-store")];
    Ok((StatusCode::CREATED, headers, Json(text)).into_response())
}

/// From where the holder of a token may come.
fn addresses(texts: Option<Vec<String>>) -> Result<AddressList, Problem> {
    let Some(texts) = texts else {
        return Ok(AddressList::default());
    };
    let wrong = |detail: String| Problem::new(Code::Member, format!("from: {detail}"));
    if !(1..=ADDRESS_RULES_MAX).contains(&texts.len()) {
        return Err(wrong(format!(
            "a list has 1 to {ADDRESS_RULES_MAX} entries"
        )));
    }
    let rules = texts.iter().map(|text| text.parse::<AddressRule>());
    let rules: Result<Vec<_>, _> = rules.collect();
    rules
        .map(AddressList::new)
        .map_err(|error| wrong(error.to_string()))
}

/// `DELETE /api/v1/tokens/{id}`.
#[utoipa::path(
    delete,
    path = "/api/v1/tokens/{id}",
    tag = "tokens",
    params(("id" = String, Path, description = "The id")),
    responses((status = 204, description = "Void"))
)]
pub(crate) async fn revoke(
    State(api): State<Arc<Api>>,
    Segment(id): Segment,
    _: Params<Nothing>,
    caller: Caller,
) -> Result<StatusCode, Problem> {
    caller.need_admin()?;
    let target = id.clone();
    let known = on_disk(&api, move |tokens| tokens.revoke(&id)).await?;
    let outcome = if known { "done" } else { "refused" };
    api.note(&caller, "token.revoke", &target, outcome);
    match known {
        true => Ok(StatusCode::NO_CONTENT),
        false => {
            let detail =
                "the node made no token with this id; what the node file declares ends there";
            Err(Problem::new(Code::UnknownName, detail))
        }
    }
}

/// The disk may be slow: others are served meanwhile.
async fn on_disk<T: Send + 'static>(
    api: &Api,
    act: impl FnOnce(&Tokens) -> Result<T, TokenError> + Send + 'static,
) -> Result<T, Problem> {
    let tokens = Arc::clone(&api.tokens);
    let done = tokio::task::spawn_blocking(move || act(&tokens)).await;
    done.map_err(|error| Problem::internal(&error))?
        .map_err(refused)
}

fn refused(error: TokenError) -> Problem {
    match error {
        TokenError::Role(_) | TokenError::Name(_) => Problem::new(Code::Member, error.to_string()),
        TokenError::Full => Problem::new(Code::Conflict, error.to_string()),
        error => {
            tracing::error!(%error, "tokens cannot be changed");
            Problem::new(Code::Storage, "nothing was changed")
        }
    }
}

fn document(info: TokenInfo) -> TokenDocument {
    let origin = match info.origin {
        TokenOrigin::Node => "node",
        TokenOrigin::Configuration => "configuration",
    };
    TokenDocument {
        id: info.id,
        name: info.name,
        role: info.role,
        provide: info.provide.map(|prefix| prefix.as_str().to_owned()),
        from: match info.from.is_everywhere() {
            true => Vec::new(),
            false => info.from.texts(),
        },
        created: info.created,
        expires: info.expires,
        last_used: info.last_used,
        origin: origin.to_owned(),
    }
}
