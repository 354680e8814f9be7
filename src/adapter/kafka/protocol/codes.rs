//! The error codes of brokers, and what they mean for an adapter.

/// The broker has no such place any more, or not yet.
pub(crate) const OFFSET_OUT_OF_RANGE: i16 = 1;
/// No such topic or partition.
pub(crate) const UNKNOWN_TOPIC: i16 = 3;
const TOPIC_REFUSED: i16 = 29;
const INVALID_TOPIC: i16 = 17;

/// The broker's own word for a code, for counters and people.
pub(crate) fn word(code: i16) -> &'static str {
    match code {
        1 => "offset_out_of_range",
        2 => "corrupt_message",
        3 => "unknown_topic",
        5 => "leader_not_available",
        6 => "not_leader",
        7 => "request_timed_out",
        9 => "replica_not_available",
        10 => "message_too_large",
        13 => "network_exception",
        17 => "invalid_topic",
        18 => "record_list_too_large",
        19 => "not_enough_replicas",
        20 => "not_enough_replicas_after_append",
        29 => "topic_authorization_failed",
        31 => "cluster_authorization_failed",
        33 => "unsupported_sasl_mechanism",
        35 => "unsupported_version",
        44 => "policy_violation",
        56 => "storage_error",
        58 => "sasl_authentication_failed",
        72 => "listener_not_found",
        87 => "invalid_record",
        _ => "broker_error",
    }
}

/// What is wrong with the topic itself: no other broker and no later try will help soon.
pub(crate) fn is_of_topic(code: i16) -> bool {
    matches!(code, UNKNOWN_TOPIC | INVALID_TOPIC | TOPIC_REFUSED)
}

/// After which of them a message may have been appended all the same.
pub(crate) fn is_unsure(code: i16) -> bool {
    matches!(code, -1 | 7 | 13 | 20 | 56)
}

/// What is wrong with what is known of the cluster: it has to be learned anew.
pub(crate) fn is_of_cluster(code: i16) -> bool {
    matches!(code, 3 | 5 | 6 | 9 | 72)
}
