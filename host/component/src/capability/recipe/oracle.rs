//! Attacks on secrets by recipes. The author of a recipe is hostile: it
//! chooses constants and inputs, and sees which results are alike, which
//! calls fail, and every text. It must tell no two secrets apart by that.
//!
//! Each attack is also run on recipes that nobody checked, where it has to
//! succeed: an attack that never worked would prove nothing.

use std::collections::BTreeMap;

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use super::super::secret::Secret;
use super::{Call, Recipe, parse};

/// What one attack does: every recipe once with every set of inputs.
struct Attack {
    name: &'static str,
    /// Two secrets that it wants to tell apart.
    secrets: [&'static str; 2],
    recipes: &'static [&'static str],
    inputs: &'static [&'static [(&'static str, &'static str)]],
    /// What the attacker works out beside it, from all results so far.
    offline: fn(&[Result<String, String>]) -> Option<String>,
}

const NO_INPUTS: &[&[(&str, &str)]] = &[&[]];

fn nothing(_: &[Result<String, String>]) -> Option<String> {
    None
}

const ATTACKS: &[Attack] = &[
    Attack {
        name: "order: sorted beside an input, seen by which concatenation it equals",
        secrets: ["apple-tree", "zebra-tree"],
        recipes: &[
            r#"{"hex":{"md5":{"sort":[{"secret":"s"},{"input":"x"}]}}}"#,
            r#"{"hex":{"md5":{"concat":[{"secret":"s"},{"input":"x"}]}}}"#,
            r#"{"hex":{"md5":{"concat":[{"input":"x"},{"secret":"s"}]}}}"#,
        ],
        inputs: &[&[("x", "m")], &[("x", "b")]],
        offline: nothing,
    },
    Attack {
        name: "order: sorted beside a constant",
        secrets: ["apple-tree", "zebra-tree"],
        recipes: &[
            r#"{"hex":{"md5":{"sort":[{"secret":"s"},{"text":"m"}]}}}"#,
            r#"{"hex":{"md5":{"concat":[{"secret":"s"},{"text":"m"}]}}}"#,
        ],
        inputs: NO_INPUTS,
        offline: nothing,
    },
    Attack {
        name: "order: sorted beside pairs",
        secrets: ["apple-tree", "zebra-tree"],
        recipes: &[
            r#"{"hex":{"md5":{"sort":[{"secret":"s"},{"pairs":[{"part":"value"}],"between":""}]}}}"#,
            r#"{"hex":{"md5":{"concat":[{"secret":"s"},{"pairs":[{"part":"value"}],"between":""}]}}}"#,
        ],
        inputs: &[&[("x", "m")]],
        offline: nothing,
    },
    Attack {
        name: "length: the digest of it, beside those of all lengths",
        secrets: ["eleven-long", "twelve-longs"],
        recipes: &[
            r#"{"hex":{"md5":{"length":{"secret":"s"},"digits":4}}}"#,
            r#"{"hex":{"md5":{"text":"0011"}}}"#,
            r#"{"hex":{"md5":{"text":"0012"}}}"#,
        ],
        inputs: NO_INPUTS,
        offline: nothing,
    },
    Attack {
        name: "length: of an encoding of it, in the clear",
        secrets: ["eleven-long", "fifteen-letters"],
        recipes: &[r#"{"length":{"base64":{"secret":"s"}},"digits":1}"#],
        inputs: NO_INPUTS,
        offline: |seen| seen[0].clone().ok(),
    },
    Attack {
        name: "length: zeros of an input behind a key",
        secrets: [SHORT, LONG],
        recipes: &[
            r#"{"hex":{"hmac-sha256":{"key":{"secret":"s"},"over":{"text":"m"}}}}"#,
            r#"{"hex":{"hmac-sha256":{"key":{"concat":[{"secret":"s"},{"input":"x"}]},"over":{"text":"m"}}}}"#,
        ],
        inputs: &[&[], &[("x", "\0\0\0\0\0\0\0\0\0\0")]],
        offline: nothing,
    },
    Attack {
        name: "length: zeros of a constant behind a key",
        secrets: [SHORT, LONG],
        recipes: &[
            r#"{"hex":{"hmac-sha256":{"key":{"secret":"s"},"over":{"text":"m"}}}}"#,
            r#"{"hex":{"hmac-sha256":{"key":{"concat":[{"secret":"s"},{"text":"\u0000\u0000\u0000\u0000\u0000\u0000\u0000\u0000\u0000\u0000"}]},"over":{"text":"m"}}}}"#,
        ],
        inputs: NO_INPUTS,
        offline: nothing,
    },
    Attack {
        name: "length: whether an encoded key is hashed before use, by a digest that is given away",
        secrets: [
            "twenty-letters-long-",
            "forty-letters-long--forty-letters-long--",
        ],
        recipes: &[
            r#"{"hex":{"hmac-sha256":{"key":{"hex":{"secret":"s"}},"over":{"text":"m"}}}}"#,
            r#"{"hex":{"sha256":{"hex":{"secret":"s"}}}}"#,
        ],
        inputs: NO_INPUTS,
        offline: |seen| {
            let [Ok(mac), Ok(digest)] = seen else {
                return None;
            };
            let byte = |at: usize| u8::from_str_radix(&digest[at..at + 2], 16).unwrap();
            let key: Vec<u8> = (0..digest.len()).step_by(2).map(byte).collect();
            let mut own = Hmac::<Sha256>::new_from_slice(&key).unwrap();
            own.update(b"m");
            let own = own.finalize().into_bytes();
            let own: String = own.iter().map(|byte| format!("{byte:02x}")).collect();
            Some((own == *mac).to_string())
        },
    },
    Attack {
        name: "length: how it fills up groups of four, by a decoder that fails",
        secrets: ["abcdefghijk", "abcdefghijkl"],
        recipes: &[r#"{"hex":{"md5":{"base64-decode":{"concat":[{"text":"A"},{"secret":"s"}]}}}}"#],
        inputs: NO_INPUTS,
        offline: nothing,
    },
    Attack {
        name: "length: how it fills up groups of four with an input",
        secrets: ["abcdefghijk", "abcdefghijkl"],
        recipes: &[
            r#"{"hex":{"md5":{"base64-decode":{"concat":[{"input":"x"},{"secret":"s"}]}}}}"#,
        ],
        inputs: &[&[("x", "A")], &[("x", "AA")], &[("x", "AAAA")]],
        offline: nothing,
    },
    Attack {
        name: "letters: which alphabet it is of, by a decoder that fails",
        secrets: ["abcdefghijkl", "abcdefghijk!"],
        recipes: &[r#"{"hex":{"md5":{"base64-decode":{"secret":"s"}}}}"#],
        inputs: NO_INPUTS,
        offline: nothing,
    },
    Attack {
        name: "letters: one bit of one byte, by a constant that moves it out of the alphabet",
        secrets: ["abcdefghijkl", "abAdefghijkl"],
        recipes: &[
            r#"{"hex":{"md5":{"base64-decode":{"xor":{"secret":"s"},"with":"\u0000\u0000\u0001\u0000\u0000\u0000\u0000\u0000\u0000\u0000\u0000\u0000"}}}}"#,
        ],
        inputs: NO_INPUTS,
        offline: nothing,
    },
    Attack {
        name: "letters: whether capitals change it",
        secrets: ["LONG-SECRET", "long-SECRET"],
        recipes: &[
            r#"{"hex":{"md5":{"upper":{"secret":"s"}}}}"#,
            r#"{"hex":{"md5":{"secret":"s"}}}"#,
        ],
        inputs: NO_INPUTS,
        offline: nothing,
    },
    Attack {
        name: "prefix: the digest of what stands before a letter",
        secrets: ["a-long-secret", "b-long-secret"],
        recipes: &[
            r#"{"hex":{"md5":{"split":{"secret":"s"},"at":"-","take":0}}}"#,
            r#"{"hex":{"md5":{"text":"a"}}}"#,
        ],
        inputs: NO_INPUTS,
        offline: nothing,
    },
    Attack {
        name: "prefix: whether there is a second part at all",
        secrets: ["long-secret", "long+secret"],
        recipes: &[r#"{"hex":{"md5":{"split":{"secret":"s"},"at":"-","take":1}}}"#],
        inputs: NO_INPUTS,
        offline: nothing,
    },
    Attack {
        name: "prefix: what stands before an input's own letter",
        secrets: ["a-long-secret", "b-long-secret"],
        recipes: &[
            r#"{"hex":{"md5":{"split":{"concat":[{"secret":"s"},{"input":"x"}]},"at":"-","take":0}}}"#,
            r#"{"hex":{"md5":{"input":"x"}}}"#,
        ],
        inputs: &[&[("x", "a")]],
        offline: nothing,
    },
    Attack {
        name: "prefix: inside pairs, a letter at a time",
        secrets: ["a-long-secret", "b-long-secret"],
        recipes: &[
            r#"{"hex":{"md5":{"pairs":[{"split":{"secret":"s"},"at":"-","take":0},{"part":"name"}],"between":""}}}"#,
            r#"{"hex":{"md5":{"pairs":[{"part":"value"},{"part":"name"}],"between":""}}}"#,
        ],
        inputs: &[&[("x", "a")]],
        offline: nothing,
    },
    Attack {
        name: "echo: in base64",
        secrets: ["first-secret", "other-secret"],
        recipes: &[r#"{"base64":{"secret":"s"}}"#],
        inputs: NO_INPUTS,
        offline: |seen| seen[0].clone().ok(),
    },
    Attack {
        name: "echo: beside a digest",
        secrets: ["first-secret", "other-secret"],
        recipes: &[r#"{"join":[{"hex":{"md5":{"secret":"s"}}},{"secret":"s"}],"with":":"}"#],
        inputs: NO_INPUTS,
        offline: |seen| Some(seen[0].clone().ok()?.split(':').nth(1)?.to_owned()),
    },
    Attack {
        name: "echo: xor twice with one constant",
        secrets: ["first-secret", "other-secret"],
        recipes: &[r#"{"hex":{"xor":{"xor":{"secret":"s"},"with":"k"},"with":"k"}}"#],
        inputs: NO_INPUTS,
        offline: |seen| seen[0].clone().ok(),
    },
    Attack {
        name: "echo: once a pair",
        secrets: ["first-secret", "other-secret"],
        recipes: &[r#"{"pairs":[{"part":"name"},{"secret":"s"}],"between":"&"}"#],
        inputs: &[&[("x", "1")]],
        offline: |seen| seen[0].clone().ok(),
    },
];

/// 60 and 50 bytes: ten more go beyond a block of 64, or do not.
const SHORT: &str = "secret-of-fifty-bytes-secret-of-fifty-bytes-secret";
const LONG: &str = "secret-of-sixty-bytes-secret-of-sixty-bytes-secret-of-sixty-";

/// Everything that can be told from the results without knowing the secret:
/// which of them are alike, how calls failed, and what was worked out.
fn seen(attack: &Attack, secret: &str, compile: fn(&str) -> Result<Recipe, String>) -> Vec<String> {
    let mut results: Vec<Result<String, String>> = Vec::new();
    for recipe in attack.recipes {
        for inputs in attack.inputs {
            let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
            let result = compile(recipe).and_then(|recipe| {
                // Recipes of one attack may differ in what they take.
                let used = |(name, _): &&(&str, &str)| {
                    recipe.takes_others || recipe.named.iter().any(|known| known == name)
                };
                recipe.evaluate(&Call {
                    settings: &BTreeMap::new(),
                    secrets: &BTreeMap::from([("s".to_owned(), Secret::new(secret.to_owned()))]),
                    inputs: &inputs.iter().filter(used).map(owned).collect::<Vec<_>>(),
                    time_ms: 0,
                })
            });
            results.push(result);
        }
    }
    let mut texts: Vec<&String> = Vec::new();
    let mut seen = Vec::new();
    for result in &results {
        seen.push(match result {
            Err(reason) => format!("failed: {reason}"),
            Ok(text) => {
                let known = texts.iter().position(|known| *known == text);
                let number = known.unwrap_or(texts.len());
                if known.is_none() {
                    texts.push(text);
                }
                format!("result {number}")
            }
        });
    }
    seen.extend((attack.offline)(&results));
    seen
}

fn checked(recipe: &str) -> Result<Recipe, String> {
    Recipe::compile(recipe).map_err(|error| error.to_string())
}

fn unchecked(recipe: &str) -> Result<Recipe, String> {
    let result = parse::parse(recipe).map_err(|error| error.to_string())?;
    Ok(Recipe::of(result))
}

#[test]
fn no_attack_tells_two_secrets_apart() {
    for attack in ATTACKS {
        let [one, other] = attack.secrets.map(|secret| seen(attack, secret, checked));
        assert_eq!(one, other, "{}", attack.name);
    }
}

#[test]
fn every_attack_would_succeed_if_nothing_were_refused() {
    for attack in ATTACKS {
        let [one, other] = attack.secrets.map(|secret| seen(attack, secret, unchecked));
        assert_ne!(one, other, "{}", attack.name);
    }
}

#[test]
fn where_the_bound_on_what_is_produced_lies_shows_nothing_of_the_secret() {
    let recipe = r#"{"hex":{"md5":{"concat":[{"input":"x"},{"input":"x"},{"secret":"s"}]}}}"#;
    let recipe = Recipe::compile(recipe).unwrap();
    let fits = |secret: &str, bytes: usize| {
        let call = Call {
            settings: &BTreeMap::new(),
            secrets: &BTreeMap::from([("s".to_owned(), Secret::new(secret.to_owned()))]),
            inputs: &[("x".to_owned(), "x".repeat(bytes))],
            time_ms: 0,
        };
        recipe.evaluate(&call).is_ok()
    };
    // The largest input that passes, by halving.
    let bound = |secret: &str| {
        let (mut passes, mut fails) = ((16 << 20) - (1 << 16), 16 << 20);
        while passes + 1 < fails {
            let middle = usize::midpoint(passes, fails);
            match fits(secret, middle) {
                true => passes = middle,
                false => fails = middle,
            }
        }
        passes
    };
    let bounds = ["abcd", LONG].map(bound);
    assert_eq!(bounds[0], bounds[1]);
    assert!(bounds[0] > (16 << 20) - (1 << 16), "{bounds:?}");
}

/// A digest that ends in chosen bytes can be gone on with by who does not
/// know what it began with, but only when that has the guessed length.
#[test]
fn chosen_bytes_do_not_stand_beside_a_secret_in_a_digest() {
    for beside in [
        r#"{"base64-decode":{"input":"x"}}"#,
        r#"{"base64-decode":{"text":"gAAA"}}"#,
        r#"{"xor":{"text":"aa"},"with":"zz"}"#,
        r#"{"xor":{"input":"x"},"with":"zz"}"#,
        r#"{"md5":{"input":"x"}}"#,
    ] {
        for digest in ["md5", "sha256"] {
            let recipe =
                format!(r#"{{"hex":{{"{digest}":{{"concat":[{{"secret":"s"}},{beside}]}}}}}}"#);
            let error = Recipe::compile(&recipe).unwrap_err().to_string();
            assert!(error.contains("over a secret beside bytes"), "{error}");
        }
    }
}
