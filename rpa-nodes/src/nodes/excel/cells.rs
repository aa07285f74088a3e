use crate::fault::Fault;

/// How many rows and columns a sheet has.
const ROWS: u32 = 1 << 20;
const COLUMNS: u32 = 1 << 14;
/// A bigger part of a sheet belongs into a file of another kind.
const LARGEST: u64 = 4_000_000;

/// A cell; both numbers begin at 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cell {
    pub(super) row: u32,
    pub(super) column: u32,
}

/// The cells between two corners, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Area {
    pub(super) first: Cell,
    pub(super) last: Cell,
}

impl Cell {
    /// Reads a name like `B12` or `$B$12`.
    ///
    /// # Errors
    /// It is no name of a cell.
    pub(super) fn parse(said: &str) -> Result<Self, Fault> {
        let plain = said.trim().replace('$', "").to_ascii_uppercase();
        let digits = plain.find(|letter: char| letter.is_ascii_digit());
        let (letters, digits) = plain.split_at(digits.unwrap_or(plain.len()));
        let row = digits.parse().ok().filter(|row| (1..=ROWS).contains(row));
        let column =
            match letters.bytes().all(|letter| letter.is_ascii_uppercase()) && letters.len() <= 3 {
                true => letters.bytes().fold(0, |column, letter| {
                    column * 26 + u32::from(letter - b'A') + 1
                }),
                false => 0,
            };
        match row.filter(|_| (1..=COLUMNS).contains(&column)) {
            Some(row) => Ok(Self { row, column }),
            None => Err(Fault::value(format!(
                "`{said}` is no cell; write a column and a row, like B12"
            ))),
        }
    }

    /// Its name.
    pub(super) fn name(self) -> String {
        let mut letters = Vec::new();
        let mut rest = self.column;
        while rest > 0 {
            rest -= 1;
            letters.push(char::from(b'A' + u8::try_from(rest % 26).unwrap_or(0)));
            rest /= 26;
        }
        format!("{}{}", letters.iter().rev().collect::<String>(), self.row)
    }
}

impl Area {
    /// Reads a range like `A1:C10`, or the name of one cell.
    ///
    /// # Errors
    /// It is no range, or larger than what a value of a workflow can be.
    pub(super) fn parse(said: &str) -> Result<Self, Fault> {
        let (one, other) = said.split_once(':').unwrap_or((said, said));
        let (one, other) = (Cell::parse(one)?, Cell::parse(other)?);
        let area = Self {
            first: Cell {
                row: one.row.min(other.row),
                column: one.column.min(other.column),
            },
            last: Cell {
                row: one.row.max(other.row),
                column: one.column.max(other.column),
            },
        };
        let size = |from: u32, to: u32| u64::from(to - from + 1);
        match size(area.first.row, area.last.row) * size(area.first.column, area.last.column) {
            cells if cells <= LARGEST => Ok(area),
            cells => Err(Fault::value(format!(
                "`{said}` has {cells} cells; {LARGEST} can be read at once"
            ))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_cells_are_read_and_written() {
        for (name, row, column) in [
            ("A1", 1, 1),
            ("Z9", 9, 26),
            ("AA10", 10, 27),
            ("XFD1048576", 1 << 20, 1 << 14),
        ] {
            let cell = Cell::parse(name).unwrap();
            assert_eq!((cell.row, cell.column), (row, column));
            assert_eq!(cell.name(), name);
        }
        assert_eq!(Cell::parse(" $b$3 ").unwrap().name(), "B3");
        for wrong in ["", "A", "1", "A0", "XFE1", "A1B", "A-1", "ÄA1"] {
            assert!(Cell::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn ranges_begin_at_their_smaller_corner() {
        let area = Area::parse("C10:A1").unwrap();
        assert_eq!(
            (area.first.name(), area.last.name()),
            ("A1".to_owned(), "C10".to_owned())
        );
        assert!(
            Area::parse("A1:XFD1048576")
                .unwrap_err()
                .message
                .contains("at once")
        );
    }
}
