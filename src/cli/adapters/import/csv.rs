//! Comma-separated values as spreadsheets write them (RFC 4180), each cell with its place. Pure.

use super::list::Mistake;

/// Rows of one list.
const ROWS_MAX: usize = 100_000;
/// Columns of one list.
const COLUMNS_MAX: usize = 256;

/// One cell, and the line on which it begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Cell {
    pub(super) text: String,
    pub(super) line: usize,
}

/// Headings, and rows that have at least one cell that is not empty.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) headings: Vec<String>,
    pub(super) rows: Vec<Vec<Cell>>,
}

/// Takes a list apart. Columns are divided by what stands most often in the line of headings: a
/// comma, a semicolon or a tabulator.
pub(super) fn read(text: &str) -> Result<Table, Vec<Mistake>> {
    let first = text.lines().find(|line| !line.trim().is_empty());
    let Some(first) = first else {
        return Err(vec![Mistake::at(1, 1, "", "the list is empty")]);
    };
    let count = |divider: char| first.matches(divider).count();
    let mut divider = ',';
    for other in [';', '\t'] {
        if count(other) > count(divider) {
            divider = other;
        }
    }
    let mut rows = split(text, divider)?;
    rows.retain(|row| row.iter().any(|cell| !cell.text.trim().is_empty()));
    let headings = rows.remove(0);
    let headings: Vec<String> = headings
        .into_iter()
        .map(|cell| cell.text.trim().to_owned())
        .collect();
    let mut mistakes = Vec::new();
    if headings.len() > COLUMNS_MAX {
        mistakes.push(Mistake::at(
            1,
            COLUMNS_MAX + 1,
            "",
            "there are too many columns",
        ));
    }
    if let Some(row) = rows.get(ROWS_MAX) {
        let message = format!("a list has at most {ROWS_MAX} rows");
        mistakes.push(Mistake::at(row[0].line, 1, "", message));
    }
    for row in &rows {
        let more = row.iter().enumerate().skip(headings.len());
        for (index, cell) in more.filter(|(_, cell)| !cell.text.trim().is_empty()) {
            let message = format!("`{}` stands in no column", cell.text.trim());
            mistakes.push(Mistake::at(cell.line, index + 1, "", message));
        }
    }
    match mistakes.is_empty() {
        true => Ok(Table { headings, rows }),
        false => Err(mistakes),
    }
}

fn split(text: &str, divider: char) -> Result<Vec<Vec<Cell>>, Vec<Mistake>> {
    let mut rows = Vec::new();
    let mut row: Vec<Cell> = Vec::new();
    let (mut line, mut begun) = (1, 1);
    let mut cell = String::new();
    // Within quotes, and the line on which they were opened.
    let mut quoted: Option<usize> = None;
    let mut characters = text.chars().peekable();
    while let Some(c) = characters.next() {
        match (c, quoted) {
            ('"', Some(_)) if characters.peek() == Some(&'"') => {
                characters.next();
                cell.push('"');
            }
            ('"', Some(_)) => quoted = None,
            ('"', None) if cell.trim().is_empty() => {
                cell.clear();
                quoted = Some(line);
            }
            ('\n', open) => {
                line += 1;
                if open.is_some() {
                    cell.push('\n');
                    continue;
                }
                row.push(Cell {
                    text: std::mem::take(&mut cell),
                    line: begun,
                });
                rows.push(std::mem::take(&mut row));
                begun = line;
            }
            ('\r', None) => {}
            (c, None) if c == divider => {
                row.push(Cell {
                    text: std::mem::take(&mut cell),
                    line: begun,
                });
                begun = line;
            }
            (c, _) => cell.push(c),
        }
    }
    if let Some(opened) = quoted {
        let message = "a quotation mark is never closed";
        return Err(vec![Mistake::at(opened, row.len() + 1, "", message)]);
    }
    row.push(Cell {
        text: cell,
        line: begun,
    });
    rows.push(row);
    Ok(rows)
}
