//! What the command line asks for.

use std::path::PathBuf;

/// What to run.
pub struct Arguments {
    pub quick: bool,
    pub json: Option<PathBuf>,
    pub sizes: Vec<usize>,
    only: Vec<String>,
}

const USAGE: &str = "scripts/bench [--quick] [--json FILE] [--size N ...] [--only plan|verify|push|work|terraform ...]";

impl Arguments {
    pub fn read(words: impl Iterator<Item = String>) -> Self {
        let mut read = Self { quick: false, json: None, sizes: Vec::new(), only: Vec::new() };
        let mut words = words.filter(|word| word != "--bench").peekable();
        while let Some(word) = words.next() {
            match word.as_str() {
                "--quick" => read.quick = true,
                "--json" => read.json = words.next().map(PathBuf::from),
                "--size" => read.sizes.extend(
                    std::iter::from_fn(|| words.next_if(|word| !word.starts_with('-')))
                        .map(|word| word.parse::<usize>().expect(USAGE)),
                ),
                "--only" => read.only.extend(std::iter::from_fn(|| words.next_if(|word| !word.starts_with('-')))),
                _ => panic!("{USAGE}"),
            }
        }
        if read.sizes.is_empty() {
            read.sizes = if read.quick { vec![1_000] } else { vec![1_000, 10_000, 100_000] };
        }
        read
    }

    pub fn wants(&self, part: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|one| one == part)
    }

    pub fn pick<T>(&self, full: T, quick: T) -> T {
        if self.quick { quick } else { full }
    }
}
