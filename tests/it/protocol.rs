//! The protocol between nodes as others see it: the document that describes it, streams that older
//! versions sent, and a reader in another language that was written from the document alone.

mod document;
mod foreign_reader;
mod golden;
