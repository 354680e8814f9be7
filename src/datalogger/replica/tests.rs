//! Two nodes without a network between them.
