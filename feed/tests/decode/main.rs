//! The hand-written decoder against its oracle `prost`: golden bytes, real messages, random messages in every order,
//! random damage, and the fuzz corpus.

mod market_data;
mod oracle;
mod scramble;

mod golden;
mod laws;
mod real_messages;
mod json_form;
mod corpus;
