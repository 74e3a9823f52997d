//! The call flows of RFC 3665 and RFC 5359 in which a user agent takes part, in virtual time: telephones, registrars and proxies on one
//! network, and the ladder of what went between them.
//!
//! Left out of RFC 3665: the details of proxies (§3.3's second credentials: one account answers one realm, and a foreign one is shown to get
//! nothing), §3.5's firewall (a record-routing proxy to a user agent). Left out of RFC 5359: §2.6 (transfer of instant messages), §2.11 (the
//! Join header, RFC 3911, is not spoken: shown to be refused), §2.15's REFER outside of a call (refused, as §2.18 shows; what the parked caller
//! sees is there), §2.16's and §2.17's SUBSCRIBE to dialogs (refused with 405 elsewhere; what the caller sees of a pickup is there).

#[cfg(test)]
mod establishment;
#[cfg(test)]
mod forwarding;
#[cfg(test)]
mod hold;
#[cfg(test)]
mod proxy;
#[cfg(test)]
mod registration;
#[cfg(test)]
mod screening;
#[cfg(test)]
mod transfer;
#[cfg(test)]
mod unsuccessful;
#[cfg(test)]
mod world;
