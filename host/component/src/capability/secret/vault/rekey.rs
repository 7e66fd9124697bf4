//! A new key in the place of the old one, for the secrets and for the keys of
//! scopes beside them.

use super::Vault;
use super::stored::{Sealed, Stored};
use crate::capability::secret::SecretError;
use crate::capability::secret::key::Key;

impl Vault {
    /// Seals every value anew. A key file gets a new key; where the key is
    /// given by the environment, the next one is `given`. Gives the number
    /// of secrets. A process killed on the way leaves files that the keys at
    /// hand open: what is sealed with the new key already stays so the next time.
    pub fn rekey(&self, given: Option<Key>) -> Result<usize, SecretError> {
        let scopes = self.scopes();
        let all: Vec<&Self> = [self, &scopes]
            .into_iter()
            .filter(|one| one.exists())
            .collect();
        if all.is_empty() {
            return Err(SecretError::NoStore {
                place: self.place.display().to_string(),
            });
        }
        let _locks = all
            .iter()
            .map(|one| one.lock())
            .collect::<Result<Vec<_>, _>>()?;
        let by_file = !self.keys.is_given();
        if by_file {
            self.finish(&all)?;
        }
        let new = match given {
            Some(key) => key,
            None => Key::generate()?,
        };
        // Nothing is begun that cannot be done.
        for one in &all {
            one.verify_unless(&new)?;
        }
        if by_file {
            self.keys.prepare(&new)?;
        }
        for one in &all {
            one.seal_anew(&new)?;
        }
        if by_file {
            self.keys.advance()?;
        }
        Ok(self.read()?.map_or(0, |stored| stored.secrets.len()))
    }

    /// An earlier rekey was cut short after a file was written: its key moves
    /// up, since the next one takes its place beside the file.
    fn finish(&self, all: &[&Self]) -> Result<(), SecretError> {
        let Some(next) = self.keys.next()? else {
            return Ok(());
        };
        let mut begun = false;
        for one in all {
            begun |= one.read()?.is_some_and(|stored| stored.key == next.id());
        }
        if begun {
            for one in all {
                one.seal_anew(&next)?;
            }
            self.keys.advance()?;
        }
        Ok(())
    }

    fn verify_unless(&self, new: &Key) -> Result<(), SecretError> {
        match self.read()?.is_some_and(|stored| stored.key == new.id()) {
            true => Ok(()),
            false => self.verify().map(drop),
        }
    }

    fn seal_anew(&self, new: &Key) -> Result<(), SecretError> {
        let Some(stored) = self.read()?.filter(|stored| stored.key != new.id()) else {
            return Ok(());
        };
        let old = self.keys.fitting(&stored.key, &self.place)?;
        let mut sealed = Stored::new(new);
        for one in &stored.secrets {
            let value = self.open(&old, one)?;
            let again = Sealed::seal(new, &one.tenant, &one.name, &value, one.set_ms)?;
            sealed.secrets.push(again);
        }
        self.write(&sealed)
    }
}
