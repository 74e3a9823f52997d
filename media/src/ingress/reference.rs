//! What is sent, for the stage that takes its echo out: frame by frame as the egress tap tells it, and the slots without one.

use std::time::Duration;

use crate::egress::ReferenceFrame;
use crate::enhancement::Enhancer;
use crate::ingress::Ingress;
use crate::ingress::config::IngressConfig;
use crate::ingress::delivery::Delivery;
use crate::pipeline::PipelineError;

impl Delivery {
    /// The stages of a line that begins.
    pub(super) fn beginning(config: &IngressConfig) -> Result<Self, PipelineError> {
        let mut delivery = Self::new(config.codec, config)?;
        delivery.set_tap(config.tap);
        if let Some(enhancer) = Enhancer::new(config.enhancement) {
            delivery.enhance(enhancer, config.output);
        }
        Ok(delivery)
    }
}

impl Ingress {
    /// Whether it wants to be told what is sent.
    #[must_use]
    pub fn wants_reference(&mut self) -> bool {
        self.enhancer().is_some_and(|enhancer| enhancer.wants_reference())
    }

    /// Takes what is sent, as it goes.
    pub fn handle_sent(&mut self, frame: &ReferenceFrame<'_>) {
        if let Some(enhancer) = self.enhancer() {
            enhancer.push_sent(frame.samples, frame.rate);
        }
    }

    /// A slot in which nothing is sent: the line that is sent goes on, silent.
    pub fn handle_silent_slot(&mut self, length: Duration) {
        if let Some(enhancer) = self.enhancer() {
            enhancer.push_silence(length);
        }
    }

    fn enhancer(&mut self) -> Option<&mut Enhancer> {
        self.delivery.outlet.enhancer().as_deref_mut()
    }
}
