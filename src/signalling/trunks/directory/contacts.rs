//! Who may be called where it has registered.

use super::Directory;

impl Directory {
    /// The names whose contacts end when `next` takes this one's place: they are no trunk's any more or another's, may not register, or
    /// prove themselves by another password.
    pub fn ended_contacts<'a>(&'a self, next: &'a Self) -> impl Iterator<Item = &'a str> {
        let right = |directory: &'a Self, login: &str| {
            let trunk = directory.trunks.get(directory.logins.get(login)?).filter(|trunk| trunk.config.registers)?;
            Some((&trunk.name, &trunk.config.org, &trunk.password))
        };
        let logins = self.logins.keys().map(|login| &**login);
        logins.filter(move |login| right(self, login).is_some_and(|held| right(next, login) != Some(held)))
    }

    /// Whether the trunk of a proven name may register its address.
    #[must_use]
    pub fn may_register(&self, login: &str) -> bool {
        self.logins.get(login).and_then(|trunk| self.trunks.get(trunk)).is_some_and(|trunk| trunk.config.registers)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::signalling::trunks::{DirectorySource, TrunkConfig};

    #[test]
    fn contacts_end_with_the_trunk_its_password_and_its_right_to_register_and_with_nothing_else() {
        let phone =
            || TrunkConfig { login: Some("phone".into()), login_password_env: Some("P".into()), registers: true, ..TrunkConfig::default() };
        let with = |name: &str, config: TrunkConfig, password: &str| {
            let source = DirectorySource { trunks: BTreeMap::from([(name.to_owned(), config)]), ..DirectorySource::default() };
            Directory::new(source, |_| Some(password.to_owned())).unwrap()
        };
        let before = with("phone", phone(), "secret");
        let ended = |next: Directory| before.ended_contacts(&next).map(str::to_owned).collect::<Vec<_>>();
        assert!(ended(with("phone", TrunkConfig { max_calls: 3, ..phone() }, "secret")).is_empty());
        for next in [
            Directory::default(),
            with("phone", TrunkConfig { enabled: false, ..phone() }, "secret"),
            with("phone", TrunkConfig { registers: false, ..phone() }, "secret"),
            with("phone", TrunkConfig { org: "org_other".parse().unwrap(), ..phone() }, "secret"),
            with("phone", phone(), "another"),
            with("other", phone(), "secret"),
        ] {
            assert_eq!(ended(next), ["phone"]);
        }
    }
}
