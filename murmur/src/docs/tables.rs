//! Tables in Markdown.

/// A table with a heading.
pub(super) fn markdown<const N: usize>(heading: [&str; N], rows: &[[String; N]]) -> String {
    let line = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
    let mut table = line(heading.map(str::to_owned).into());
    table.push_str(&format!("|{}\n", "---|".repeat(N)));
    rows.iter().for_each(|row| table.push_str(&line(row.iter().map(|cell| cell.replace('|', "\\|")).collect())));
    table
}

/// Each as code, with commas between them.
pub(super) fn codes<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    names.into_iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}
