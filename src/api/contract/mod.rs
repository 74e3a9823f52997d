//! What the interface promises, written once: each route with its input, its answers and its errors.
//!
//! The router is built from the list of routes, input is checked against the shapes that stand in it, and the OpenAPI
//! document is printed from it: there is no second place that could say something else. Schemas of answers come from
//! the very types that are serialised.

mod check;
mod document;
mod format;
mod route;
mod schema;
mod shape;

pub(super) use check::{check, from_query};
pub(super) use document::document;
pub(super) use format::Format;
pub(super) use route::{Access, Operation, Output, Proof, RequestHeader, Route, Verb};
pub(super) use shape::{Input, Member, Object, Shape};
