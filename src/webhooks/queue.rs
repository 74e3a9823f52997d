//! Which delivery is next: those that wait, by when they are due, bounded for each webhook.
//!
//! What was given up is told by a delivery of its own. Of those one at most is on its way or waits for another attempt, and one
//! behind it takes up what is given up meanwhile: however long nothing gets through, there are two.
//!
//! What is told stands in the store; this is the way through it. Pure: times are arguments.

use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, Utc};

use crate::domain::ids::{DeliveryId, WebhookId};
use crate::domain::webhook::{Delivery, WebhookEventType};
use crate::store::OrgScope;

/// A delivery that waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Slot {
    pub(super) scope: OrgScope,
    pub(super) webhook: WebhookId,
    pub(super) delivery: DeliveryId,
    created_at: DateTime<Utc>,
    due_at: DateTime<Utc>,
    in_flight: bool,
}

impl From<&Delivery> for Slot {
    fn from(delivery: &Delivery) -> Self {
        Self {
            scope: OrgScope::new(delivery.org_id.clone()),
            webhook: delivery.webhook_id.clone(),
            delivery: delivery.id.clone(),
            created_at: delivery.created_at,
            due_at: delivery.due_at,
            in_flight: false,
        }
    }
}

/// All that waits.
#[derive(Debug)]
pub(super) struct Queue {
    slots: HashMap<DeliveryId, Slot>,
    due: BTreeSet<(DateTime<Utc>, DeliveryId)>,
    webhooks: HashMap<WebhookId, Waiting>,
    max_waiting: usize,
}

#[derive(Debug, Default)]
struct Waiting {
    /// Those that may be given up, oldest first.
    order: BTreeSet<(DateTime<Utc>, DeliveryId)>,
    in_flight: usize,
    /// Those that tell how many were given up, oldest first.
    gaps: BTreeSet<(DateTime<Utc>, DeliveryId)>,
    /// How many were given up that no delivery tells of yet.
    given_up: u64,
}

impl Queue {
    /// Nothing yet; `max_waiting` for each webhook.
    pub(super) fn new(max_waiting: usize) -> Self {
        Self { slots: HashMap::new(), due: BTreeSet::new(), webhooks: HashMap::new(), max_waiting }
    }

    /// One more waits; of what is there already nothing changes.
    pub(super) fn push(&mut self, delivery: &Delivery) {
        let slot = Slot::from(delivery);
        if self.slots.contains_key(&slot.delivery) {
            return;
        }
        let waiting = self.webhooks.entry(slot.webhook.clone()).or_default();
        if delivery.event_type == WebhookEventType::DeliveriesDropped {
            waiting.gaps.insert((slot.created_at, slot.delivery.clone()));
        } else {
            waiting.order.insert((slot.created_at, slot.delivery.clone()));
        }
        self.due.insert((slot.due_at, slot.delivery.clone()));
        self.slots.insert(slot.delivery.clone(), slot);
    }

    /// The oldest of a webhook for which more waits than may; it waits no more, unless it is [put back](Self::put_back).
    pub(super) fn overflow(&mut self, webhook: &WebhookId) -> Option<Slot> {
        let waiting = self.webhooks.get(webhook).filter(|waiting| waiting.order.len() > self.max_waiting)?;
        let idle = |(_, id): &&(DateTime<Utc>, DeliveryId)| self.slots.get(id).is_some_and(|slot| !slot.in_flight);
        let (_, oldest) = waiting.order.iter().find(idle)?.clone();
        self.remove(&oldest)
    }

    /// What was to be given up waits on.
    pub(super) fn put_back(&mut self, slot: Slot) {
        let waiting = self.webhooks.entry(slot.webhook.clone()).or_default();
        waiting.order.insert((slot.created_at, slot.delivery.clone()));
        self.due.insert((slot.due_at, slot.delivery.clone()));
        self.slots.insert(slot.delivery.clone(), slot);
    }

    /// One more was given up.
    pub(super) fn given_up(&mut self, webhook: &WebhookId) {
        self.webhooks.entry(webhook.clone()).or_default().given_up += 1;
    }

    /// How many a webhook is still to be told of.
    pub(super) fn untold(&self, webhook: &WebhookId) -> u64 {
        self.webhooks.get(webhook).map_or(0, |waiting| waiting.given_up)
    }

    /// A delivery tells of so many.
    pub(super) fn told(&mut self, webhook: &WebhookId, count: u64) {
        let Some(waiting) = self.webhooks.get_mut(webhook) else { return };
        waiting.given_up = waiting.given_up.saturating_sub(count);
        self.forget_idle(webhook);
    }

    /// The latest delivery that tells a webhook how many were given up, unless it is on its way.
    pub(super) fn gap(&self, webhook: &WebhookId) -> Option<DeliveryId> {
        let (_, id) = self.webhooks.get(webhook)?.gaps.last()?;
        self.slots.get(id).filter(|slot| !slot.in_flight).map(|slot| slot.delivery.clone())
    }

    /// Whether it may be on its way: its webhook has room for one more attempt, and no older delivery is to tell of a gap.
    fn is_free(&self, id: &DeliveryId) -> bool {
        let Some(slot) = self.slots.get(id) else { return false };
        let Some(waiting) = self.webhooks.get(&slot.webhook) else { return false };
        let place = (slot.created_at, id.clone());
        let behind = waiting.gaps.first().is_some_and(|first| *first != place) && waiting.gaps.contains(&place);
        waiting.in_flight < MAX_IN_FLIGHT && !behind
    }

    /// The next that is due at `now` and whose webhook has room for one more attempt; it is on its way then.
    pub(super) fn take(&mut self, now: DateTime<Utc>) -> Option<Slot> {
        let next = self.due.iter().take_while(|(due_at, _)| *due_at <= now).find(|(_, id)| self.is_free(id))?.clone();
        self.due.remove(&next);
        let slot = self.slots.get_mut(&next.1)?;
        slot.in_flight = true;
        if let Some(waiting) = self.webhooks.get_mut(&slot.webhook) {
            waiting.in_flight += 1;
        }
        Some(slot.clone())
    }

    /// When there may be one to take: the first that is due and whose webhook has room.
    pub(super) fn next_at(&self) -> Option<DateTime<Utc>> {
        self.due.iter().find(|(_, id)| self.is_free(id)).map(|(due_at, _)| *due_at)
    }

    /// An attempt is over and there will be another.
    pub(super) fn retry(&mut self, id: &DeliveryId, due_at: DateTime<Utc>) {
        let Some(slot) = self.slots.get_mut(id) else { return };
        if std::mem::take(&mut slot.in_flight)
            && let Some(waiting) = self.webhooks.get_mut(&slot.webhook)
        {
            waiting.in_flight -= 1;
        }
        slot.due_at = due_at;
        self.due.insert((due_at, id.clone()));
    }

    /// It waits no more.
    pub(super) fn remove(&mut self, id: &DeliveryId) -> Option<Slot> {
        let slot = self.slots.remove(id)?;
        self.due.remove(&(slot.due_at, id.clone()));
        if let Some(waiting) = self.webhooks.get_mut(&slot.webhook) {
            waiting.order.remove(&(slot.created_at, id.clone()));
            waiting.gaps.remove(&(slot.created_at, id.clone()));
            waiting.in_flight -= usize::from(slot.in_flight);
        }
        self.forget_idle(&slot.webhook);
        Some(slot)
    }

    /// A webhook for which nothing waits takes no room.
    fn forget_idle(&mut self, webhook: &WebhookId) {
        let idle =
            |waiting: &Waiting| waiting.order.is_empty() && waiting.gaps.is_empty() && waiting.in_flight == 0 && waiting.given_up == 0;
        if self.webhooks.get(webhook).is_some_and(idle) {
            self.webhooks.remove(webhook);
        }
    }

    /// How many wait, how many of them are on their way, and since when the oldest does.
    pub(super) fn status(&self) -> (usize, usize, Option<DateTime<Utc>>) {
        let in_flight = self.webhooks.values().map(|waiting| waiting.in_flight).sum();
        (self.slots.len(), in_flight, self.slots.values().map(|slot| slot.created_at).min())
    }
}

/// Attempts to one webhook at one time.
const MAX_IN_FLIGHT: usize = 4;

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;
    use crate::domain::ids::{OrgId, WebhookEventId};
    use crate::domain::webhook::{Happening, WebhookEndpoint, WebhookStatus};

    fn endpoint() -> WebhookEndpoint {
        let (url, at) = (String::new().into(), start());
        let event_types = vec![WebhookEventType::CallEnded];
        let status = WebhookStatus::Enabled;
        let (id, org_id) = (WebhookId::random(), OrgId::default_org());
        WebhookEndpoint {
            id,
            org_id,
            url,
            description: None,
            event_types,
            status,
            secrets: vec![],
            failing_since: None,
            created_at: at,
            updated_at: at,
        }
    }

    fn start() -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000, 0).unwrap()
    }

    fn delivery(endpoint: &WebhookEndpoint, second: i64) -> Delivery {
        Delivery::new(endpoint, &Happening::test(), &WebhookEventId::random(), start() + TimeDelta::seconds(second))
    }

    #[test]
    fn the_first_that_is_due_is_next_and_a_slow_webhook_holds_up_nobody_else() {
        let (mut queue, slow, other) = (Queue::new(100), endpoint(), endpoint());
        let waiting: Vec<_> = (0..6).map(|second| delivery(&slow, second)).collect();
        let last = delivery(&other, 9);
        waiting.iter().chain([&last]).for_each(|delivery| queue.push(delivery));
        assert_eq!(queue.take(start() - TimeDelta::seconds(1)), None);
        let now = start() + TimeDelta::seconds(10);
        let taken: Vec<_> = std::iter::from_fn(|| queue.take(now)).map(|slot| slot.delivery).collect();
        let expected: Vec<_> = waiting[..4].iter().chain([&last]).map(|delivery| delivery.id.clone()).collect();
        assert_eq!(taken, expected);
        assert_eq!(queue.next_at(), None, "what is due has to wait for an attempt to end");
        queue.retry(&waiting[0].id, now + TimeDelta::seconds(60));
        assert_eq!(queue.take(now).unwrap().delivery, waiting[4].id);
        queue.remove(&waiting[1].id);
        assert_eq!(queue.take(now).unwrap().delivery, waiting[5].id);
        assert_eq!(queue.status(), (6, 5, Some(start())));
    }

    #[test]
    fn what_tells_of_a_gap_waits_for_the_one_before_it_and_can_be_added_to_meanwhile() {
        let (mut queue, endpoint, now) = (Queue::new(2), endpoint(), start() + TimeDelta::seconds(10));
        let gap =
            |second| Delivery::new(&endpoint, &Happening::dropped(1), &WebhookEventId::random(), start() + TimeDelta::seconds(second));
        let (first, second) = (gap(0), gap(1));
        queue.push(&first);
        assert_eq!(queue.gap(&endpoint.id).as_ref(), Some(&first.id));
        assert_eq!(queue.take(now).unwrap().delivery, first.id);
        assert_eq!(queue.gap(&endpoint.id), None, "what is on its way says what it says");
        queue.push(&second);
        assert_eq!((queue.take(now), queue.next_at()), (None, None));
        queue.retry(&first.id, now + TimeDelta::seconds(60));
        assert_eq!((queue.take(now), queue.next_at()), (None, Some(now + TimeDelta::seconds(60))));
        assert_eq!(queue.gap(&endpoint.id).as_ref(), Some(&second.id));
        queue.remove(&first.id);
        assert_eq!(queue.take(now).unwrap().delivery, second.id);
    }

    #[test]
    fn of_too_many_the_oldest_is_given_up_and_never_one_that_is_on_its_way() {
        let (mut queue, endpoint) = (Queue::new(2), endpoint());
        let waiting: Vec<_> = (0..4).map(|second| delivery(&endpoint, second)).collect();
        queue.push(&waiting[0]);
        assert_eq!(queue.take(start()).unwrap().delivery, waiting[0].id);
        waiting[1..].iter().for_each(|delivery| queue.push(delivery));
        let given_up: Vec<_> = std::iter::from_fn(|| queue.overflow(&endpoint.id)).map(|slot| slot.delivery).collect();
        assert_eq!(given_up, [waiting[1].id.clone(), waiting[2].id.clone()]);
        queue.remove(&waiting[0].id);
        queue.remove(&waiting[3].id);
        assert!(queue.webhooks.is_empty() && queue.slots.is_empty() && queue.due.is_empty());
    }
}
