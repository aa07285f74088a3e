//! A vector a word piece, averaged: the model that is compiled in.
//!
//! The table is made by this crate's `distill` program; `assets/README.md` tells from what and how.

use std::sync::OnceLock;

use super::{EmbedError, Embedder, check, normalise};
use crate::tokenizer::{Tokenizer, UNKNOWN};

static ASSET: &[u8] = include_bytes!("../../assets/static-minilm.table");

const MAGIC: &[u8; 8] = b"RAGTBL01";
/// Magic, rows, columns, and 32 bytes of checksum over all that follows.
const HEADER: usize = 8 + 4 + 4 + 32;

/// Rows of signed bytes, each with the factor that makes it numbers again.
///
/// On disk: the header, then a little-endian f32 factor a row, then the rows.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Table<'a> {
    columns: usize,
    checksum: &'a [u8],
    factors: &'a [u8],
    rows: &'a [u8],
}

impl<'a> Table<'a> {
    /// Reads a table, or says what is wrong with it.
    pub(crate) fn parse(bytes: &'a [u8]) -> Result<Self, &'static str> {
        let (header, body) = bytes
            .split_at_checked(HEADER)
            .ok_or("it is shorter than its header")?;
        let (magic, header) = header.split_at_checked(8).ok_or("it has no header")?;
        if magic != MAGIC {
            return Err("it does not start with the table's magic number");
        }
        let (rows, header) = header.split_first_chunk().ok_or("it has no row count")?;
        let (columns, checksum) = header.split_first_chunk().ok_or("it has no column count")?;
        let rows = u32::from_le_bytes(*rows) as usize;
        let columns = u32::from_le_bytes(*columns) as usize;
        if columns == 0 || body.len() != rows * 4 + rows * columns {
            return Err("its length is not what its header promises");
        }
        let (factors, rows) = body.split_at_checked(rows * 4).ok_or("it has no factors")?;
        Ok(Self {
            columns,
            checksum,
            factors,
            rows,
        })
    }

    /// Writes a table: one row of numbers a word piece.
    #[cfg(feature = "minilm")]
    pub(crate) fn write(rows: &[Vec<f32>]) -> Vec<u8> {
        let columns = rows.first().map_or(0, Vec::len);
        let mut body = Vec::with_capacity(rows.len() * (columns + 4));
        let factor = |row: &Vec<f32>| {
            let largest = row.iter().fold(0.0_f32, |most, x| most.max(x.abs()));
            if largest > 0.0 { largest / 127.0 } else { 1.0 }
        };
        for row in rows {
            body.extend_from_slice(&factor(row).to_le_bytes());
        }
        for row in rows {
            let factor = factor(row);
            body.extend(
                row.iter()
                    .flat_map(|x| ((x / factor).round() as i8).to_le_bytes()),
            );
        }
        let mut bytes = MAGIC.to_vec();
        bytes.extend_from_slice(&u32::try_from(rows.len()).unwrap_or(0).to_le_bytes());
        bytes.extend_from_slice(&u32::try_from(columns).unwrap_or(0).to_le_bytes());
        bytes.extend_from_slice(blake3::hash(&body).as_bytes());
        bytes.extend_from_slice(&body);
        bytes
    }

    /// Adds one row to a sum of rows.
    fn add(&self, row: u32, sum: &mut [f32]) {
        let row = row as usize;
        let factor = self
            .factors
            .get(row * 4..)
            .and_then(<[u8]>::first_chunk)
            .map(|bytes| f32::from_le_bytes(*bytes));
        let numbers = self.rows.get(row * self.columns..(row + 1) * self.columns);
        if let (Some(factor), Some(numbers)) = (factor, numbers) {
            for (sum, number) in sum.iter_mut().zip(numbers) {
                *sum += factor * f32::from(number.cast_signed());
            }
        }
    }
}

/// Averages the vectors of a text's word pieces: no model file, no dependency, tens of thousands of texts a
/// second.
///
/// Word order is lost, so it finds texts that speak of the same things rather than texts that say the same.
#[derive(Debug, Clone)]
pub struct StaticEmbedder {
    id: String,
    table: Table<'static>,
}

impl StaticEmbedder {
    /// The compiled-in table.
    pub fn builtin() -> &'static Self {
        static BUILTIN: OnceLock<StaticEmbedder> = OnceLock::new();
        BUILTIN.get_or_init(|| {
            // A table that cannot be read is a broken build; the tests read it, so it cannot be shipped.
            let table = Table::parse(ASSET).unwrap_or(Table {
                columns: 1,
                checksum: &[],
                factors: &[],
                rows: &[],
            });
            let checksum: String = table
                .checksum
                .iter()
                .take(6)
                .map(|byte| format!("{byte:02x}"))
                .collect();
            Self {
                id: format!("static-minilm-l6-v2-{}-{checksum}", table.columns),
                table,
            }
        })
    }
}

impl Embedder for StaticEmbedder {
    fn id(&self) -> &str {
        &self.id
    }

    fn dimension(&self) -> usize {
        self.table.columns
    }

    fn is_quick(&self) -> bool {
        true
    }

    /// It knows nothing of the order of words, and ranks coarser than words themselves do.
    fn weight(&self) -> f64 {
        0.7
    }

    fn embed(&self, texts: &[&str]) -> Result<Vec<Vec<f32>>, EmbedError> {
        let tokenizer = Tokenizer::builtin();
        let vectors: Vec<Vec<f32>> = texts
            .iter()
            .map(|text| {
                let mut sum = vec![0.0; self.table.columns];
                for id in tokenizer.ids(text) {
                    // An unknown word says nothing about what a text is about.
                    if id != UNKNOWN {
                        self.table.add(id, &mut sum);
                    }
                }
                normalise(&mut sum);
                sum
            })
            .collect();
        check(self.id(), self.dimension(), texts.len(), &vectors)?;
        Ok(vectors)
    }
}
