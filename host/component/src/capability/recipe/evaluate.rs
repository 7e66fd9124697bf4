//! Runs a checked recipe over one call's inputs. Buffers that may hold a
//! secret are zeroed when dropped, and no error names a value.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use md5::{Digest, Md5};
use sha2::Sha256;
use zeroize::Zeroizing;

use super::Recipe;
use super::cost::Cost;
use super::expression::{Encoding, Expression, Hash, Part, TimeUnit};
use crate::capability::secret::Secret;

type Buffer = Zeroizing<Vec<u8>>;

/// What one run of a recipe sees.
pub(crate) struct Call<'a> {
    pub(crate) settings: &'a BTreeMap<String, String>,
    pub(crate) secrets: &'a BTreeMap<String, Secret>,
    pub(crate) inputs: &'a [(String, String)],
    /// The host's time, unix milliseconds.
    pub(crate) time_ms: u64,
}

impl Recipe {
    /// The result's text. The error says what is missing or cannot be.
    pub(crate) fn evaluate(&self, call: &Call<'_>) -> Result<String, String> {
        let mut inputs = BTreeMap::new();
        let mut others = BTreeMap::new();
        for (name, value) in call.inputs {
            let known = self.named.contains(name);
            if !known && !self.takes_others {
                return Err(format!("the recipe has no use for input `{name}`"));
            }
            let side = if known { &mut inputs } else { &mut others };
            if side.insert(name.as_str(), value.as_str()).is_some() {
                return Err(format!("input `{name}` was given twice"));
            }
        }
        let cost = Cost {
            settings: call.settings,
            inputs: &inputs,
            others: &others,
            produced: 0,
        };
        cost.check(&self.result)?;
        let mut run = Run {
            call,
            inputs,
            others,
            pair: None,
        };
        let bytes = run.value(&self.result)?;
        String::from_utf8(bytes.to_vec()).map_err(|_| "the result is not text".to_owned())
    }
}

struct Run<'a> {
    call: &'a Call<'a>,
    inputs: BTreeMap<&'a str, &'a str>,
    /// The inputs that no `input` names, which `pairs` goes through.
    others: BTreeMap<&'a str, &'a str>,
    pair: Option<(&'a str, &'a str)>,
}

impl<'a> Run<'a> {
    fn value(&mut self, expression: &Expression) -> Result<Buffer, String> {
        let mut buffer = Buffer::default();
        self.write(expression, &mut buffer)?;
        Ok(buffer)
    }

    fn text(&mut self, expression: &Expression) -> Result<String, String> {
        let value = self.value(expression)?;
        String::from_utf8(value.to_vec())
            .map_err(|_| format!("`{}` is not text", expression.operator()))
    }

    fn write(&mut self, expression: &Expression, out: &mut Buffer) -> Result<(), String> {
        match expression {
            Expression::Text(text) => self.put(text.as_bytes(), out),
            Expression::Setting(name) => {
                let value = self.call.settings.get(name).map(String::as_str);
                self.put_found(value, "setting", name, out)
            }
            Expression::Secret(name) => {
                let value = self.call.secrets.get(name).map(Secret::expose);
                self.put_found(value, "secret setting", name, out)
            }
            Expression::Input(name) => {
                let value = self.inputs.get(name.as_str()).copied();
                self.put_found(value, "input", name, out)
            }
            Expression::Part(part) => self.part(*part, out),
            Expression::Time(TimeUnit::Seconds) => {
                self.put((self.call.time_ms / 1000).to_string().as_bytes(), out)
            }
            Expression::Time(TimeUnit::Millis) => {
                self.put(self.call.time_ms.to_string().as_bytes(), out)
            }
            Expression::Concat(items) => items.iter().try_for_each(|item| self.write(item, out)),
            Expression::Join { items, with } => self.join(items, with, out),
            Expression::Sort(items) => self.sort(items, out),
            Expression::Pairs { items, between } => self.pairs(items, between, out),
            Expression::Length { of, digits } => {
                let length = self.text(of)?.chars().count();
                self.put(format!("{length:0digits$}").as_bytes(), out)
            }
            Expression::Split { of, at, take } => {
                let text = self.text(of)?;
                let piece = text.split(at.as_str()).nth(*take);
                let piece =
                    piece.ok_or_else(|| format!("there is no part {take} between `{at}`"))?;
                self.put(piece.as_bytes(), out)
            }
            Expression::Encode(encoding, of) => self.encode(*encoding, of, out),
            Expression::Xor { of, with } => {
                let mut value = self.value(of)?;
                for (byte, with) in value.iter_mut().zip(with.bytes().cycle()) {
                    *byte ^= with;
                }
                self.put(&value, out)
            }
            Expression::Digest(hash, of) => {
                let value = self.value(of)?;
                match hash {
                    Hash::Md5 => self.put(&Md5::digest(value.as_slice()), out),
                    Hash::Sha256 => self.put(&Sha256::digest(value.as_slice()), out),
                }
            }
            Expression::Hmac { hash, key, over } => {
                let key = self.value(key)?;
                let over = self.value(over)?;
                match hash {
                    Hash::Md5 => self.put(&hmac::<Hmac<Md5>>(&key, &over)?, out),
                    Hash::Sha256 => self.put(&hmac::<Hmac<Sha256>>(&key, &over)?, out),
                }
            }
        }
    }

    /// Everything that a run produces passes here.
    fn put(&mut self, bytes: &[u8], out: &mut Buffer) -> Result<(), String> {
        // Growing in place would leave the old bytes behind, not zeroed.
        if out.capacity() - out.len() < bytes.len() {
            let wanted = (out.len() + bytes.len()).next_power_of_two().max(256);
            let mut larger = Buffer::new(Vec::with_capacity(wanted));
            larger.extend_from_slice(out);
            *out = larger;
        }
        out.extend_from_slice(bytes);
        Ok(())
    }

    fn put_found(
        &mut self,
        value: Option<&str>,
        what: &str,
        name: &str,
        out: &mut Buffer,
    ) -> Result<(), String> {
        match value {
            Some(value) => self.put(value.as_bytes(), out),
            None => Err(format!("{what} `{name}` is not set")),
        }
    }

    fn part(&mut self, part: Part, out: &mut Buffer) -> Result<(), String> {
        let Some((name, value)) = self.pair else {
            return Err("`part` stands outside `pairs`".to_owned());
        };
        let bytes = match part {
            Part::Name => name,
            Part::Value => value,
        };
        self.put(bytes.as_bytes(), out)
    }

    fn join(&mut self, items: &[Expression], with: &str, out: &mut Buffer) -> Result<(), String> {
        for (index, item) in items.iter().enumerate() {
            if index > 0 {
                self.put(with.as_bytes(), out)?;
            }
            self.write(item, out)?;
        }
        Ok(())
    }

    fn sort(&mut self, items: &[Expression], out: &mut Buffer) -> Result<(), String> {
        let mut values = Vec::with_capacity(items.len());
        for item in items {
            values.push(self.value(item)?);
        }
        values.sort_unstable_by(|one, other| one.as_slice().cmp(other.as_slice()));
        values.iter().try_for_each(|value| self.put(value, out))
    }

    fn pairs(
        &mut self,
        items: &[Expression],
        between: &str,
        out: &mut Buffer,
    ) -> Result<(), String> {
        // A map of texts iterates in the order of their bytes.
        let pairs: Vec<(&'a str, &'a str)> = self
            .others
            .iter()
            .map(|(name, value)| (*name, *value))
            .collect();
        for (index, pair) in pairs.into_iter().enumerate() {
            if index > 0 {
                self.put(between.as_bytes(), out)?;
            }
            self.pair = Some(pair);
            items.iter().try_for_each(|item| self.write(item, out))?;
        }
        self.pair = None;
        Ok(())
    }

    fn encode(
        &mut self,
        encoding: Encoding,
        of: &Expression,
        out: &mut Buffer,
    ) -> Result<(), String> {
        let mut value = self.value(of)?;
        match encoding {
            Encoding::Upper => {
                value.make_ascii_uppercase();
                self.put(&value, out)
            }
            Encoding::Hex => {
                const DIGITS: [u8; 16] = *b"0123456789abcdef";
                let digit = |nibble: u8| DIGITS.get(usize::from(nibble)).copied().unwrap_or(b'0');
                let hex = value
                    .iter()
                    .flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]);
                let hex: Buffer = Zeroizing::new(hex.collect());
                self.put(&hex, out)
            }
            Encoding::Base64 => {
                let text = Zeroizing::new(STANDARD.encode(value.as_slice()));
                self.put(text.as_bytes(), out)
            }
            Encoding::Base64Decode => {
                let bytes = STANDARD.decode(value.as_slice());
                let bytes = bytes.map_err(|_| "`base64-decode` was given what is not base64")?;
                self.put(&Zeroizing::new(bytes), out)
            }
        }
    }
}

fn hmac<M: Mac + KeyInit>(key: &[u8], over: &[u8]) -> Result<Vec<u8>, String> {
    let mut mac = <M as KeyInit>::new_from_slice(key).map_err(|error| error.to_string())?;
    mac.update(over);
    Ok(mac.finalize().into_bytes().to_vec())
}
