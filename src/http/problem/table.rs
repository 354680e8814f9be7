//! The one table of problems: stable code, HTTP status, title, and what to do.

use http::StatusCode;

macro_rules! codes {
    ($($variant:ident $status:ident $code:literal $title:literal $action:literal;)*) => {
        /// What kind of problem.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Code {
            $(#[doc = $title] $variant,)*
        }

        impl Code {
            /// All of them, in the order of the table.
            pub(crate) const ALL: &'static [Code] = &[$(Code::$variant),*];

            /// The stable word.
            pub(crate) fn as_str(self) -> &'static str {
                match self { $(Code::$variant => $code,)* }
            }

            /// The HTTP status.
            pub(crate) fn status(self) -> StatusCode {
                match self { $(Code::$variant => StatusCode::$status,)* }
            }

            /// What it is called.
            pub(crate) fn title(self) -> &'static str {
                match self { $(Code::$variant => $title,)* }
            }

            /// What to do.
            pub(crate) fn action(self) -> &'static str {
                match self { $(Code::$variant => $action,)* }
            }
        }
    };
}

codes! {
    Query BAD_REQUEST "bad_query" "A query parameter is wrong"
        "Correct the parameter; the detail names it and the valid ones.";
    Path BAD_REQUEST "bad_path" "The path is not valid"
        "Percent-encode names as UTF-8.";
    Json BAD_REQUEST "bad_json" "The body is not the JSON that is expected"
        "Correct the body; the detail says where.";
    Cursor BAD_REQUEST "bad_cursor" "The cursor is none of this API"
        "Read without `since` to get one.";
    Unauthorized UNAUTHORIZED "unauthorized" "No valid token"
        "Send `Authorization: Bearer <token>`; the administrator makes tokens with `mainstem token create`.";
    Forbidden FORBIDDEN "forbidden" "The role does not allow it"
        "Ask the administrator for a role with the right that the detail names.";
    Address FORBIDDEN "address" "The token is not for this address"
        "Come from an address that the token and its role allow, or ask the administrator to allow this one.";
    Policy FORBIDDEN "policy" "A write filter does not allow it"
        "Ask the administrator of the node that the detail names to allow writes of this datapoint.";
    SupportClosed FORBIDDEN "support_closed" "The node is not open for remote support"
        "Ask its administrator to open it for a time: `mainstem support open --for 2h`, there.";
    NotFound NOT_FOUND "not_found" "There is nothing at this address"
        "Look the address up in /api/v1/openapi.json.";
    NoValue NOT_FOUND "no_value" "No value has been provided yet"
        "Try again when something was published on the topic of the server node.";
    UnknownName NOT_FOUND "unknown_name" "There is none of this name"
        "List the names with a GET of the address without the name.";
    Method METHOD_NOT_ALLOWED "method_not_allowed" "The resource has no such method"
        "Use one of the methods in the header `Allow`.";
    NotAcceptable NOT_ACCEPTABLE "not_acceptable" "This form is not offered"
        "Leave the header `Accept` out, or ask for one of the forms that the detail names.";
    Timeout REQUEST_TIMEOUT "request_timeout" "The body took too long"
        "Send the body without a pause.";
    DeviceRefused CONFLICT "device_refused" "The device refused the value"
        "Look at the outcome: it has the device's own code.";
    Conflict CONFLICT "conflict" "It cannot be done in the present state"
        "Look at the detail.";
    Expired GONE "cursor_expired" "The cursor cannot be used any more"
        "Read again without `since`.";
    SessionOver GONE "session_over" "The session is over"
        "Open a new one.";
    TooLarge PAYLOAD_TOO_LARGE "body_too_large" "The body is too large"
        "Send less at a time.";
    MediaType UNSUPPORTED_MEDIA_TYPE "unsupported_media_type" "The body has another content type"
        "Send the content type that the detail names.";
    Upgrade UPGRADE_REQUIRED "upgrade_required" "The connection has to be turned into a tunnel"
        "Ask over HTTP/1.1 with `Connection: upgrade` and `Upgrade: mainstem-link`.";
    Value UNPROCESSABLE_ENTITY "bad_value" "The value does not fit the datapoint"
        "Send a value of the datapoint's type, within its limits.";
    Member UNPROCESSABLE_ENTITY "bad_member" "A member of the request cannot be used"
        "Correct the member that the detail names.";
    IdempotencyKey UNPROCESSABLE_ENTITY "idempotency_key_reused" "The key belongs to another request"
        "Use a new `Idempotency-Key` for a new request.";
    Throttled TOO_MANY_REQUESTS "too_many_failures" "Too many failed logins from this address"
        "Wait as long as `Retry-After` says, then send a valid token.";
    Internal INTERNAL_SERVER_ERROR "internal" "The node met a defect of its own"
        "Look at the node's log and report it.";
    Storage INTERNAL_SERVER_ERROR "storage" "The node cannot write to its disk"
        "Look at /api/v1/alarms and at the disk's space.";
    Busy SERVICE_UNAVAILABLE "busy" "The node serves as many as it may"
        "Try again after `Retry-After`, or raise the limit in the node file.";
    NoOwner SERVICE_UNAVAILABLE "not_reachable" "Nothing carries out writes for it now"
        "Look at /api/v1/adapters and /api/v1/remotes, then try again.";
    NoBus SERVICE_UNAVAILABLE "no_bus" "There is no bus that can be reached"
        "Look at /api/v1/bus, then try again.";
    Stopping SERVICE_UNAVAILABLE "stopping" "The node stops"
        "Try again when it has started.";
    NoAnswer GATEWAY_TIMEOUT "no_answer" "Nobody answered in time"
        "See that who answers such events runs and that its role allows it, then raise the event again.";
    NotDone GATEWAY_TIMEOUT "write_not_done" "The write was not confirmed in time"
        "Look at the outcome: after `expired` the device is unchanged, after `unknown` nobody can tell.";
}
