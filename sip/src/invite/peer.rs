//! What the far end of a dialog can do, as far as it has said.

use crate::header::{HeaderName, Method, MethodSet, OptionTags};
use crate::message::Headers;

#[derive(Clone, Copy, Default)]
pub(super) struct Peer {
    methods: Option<MethodSet>,
    speaks: OptionTags,
}

impl Peer {
    /// What a message says replaces what was said before; silence changes nothing.
    pub(super) fn learn(&mut self, headers: &Headers) {
        if let Some(methods) = headers.allow() {
            self.methods = Some(methods);
        }
        if headers.value(HeaderName::Supported).is_some() || headers.value(HeaderName::Require).is_some() {
            self.speaks = headers.speaks();
        }
    }

    /// Whether it says that it takes this method.
    pub(super) fn takes(&self, method: Method) -> bool {
        self.methods.is_some_and(|methods| methods.contains(method))
    }

    /// It has refused the method: not again.
    pub(super) fn forget(&mut self, method: Method) {
        if let Some(methods) = &mut self.methods {
            methods.remove(method);
        }
    }

    pub(super) fn speaks(&self, option: OptionTags) -> bool {
        self.speaks.contains(option)
    }
}
