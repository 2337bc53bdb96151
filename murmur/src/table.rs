//! Tables for people.

/// `rows` in columns as wide as their widest cell, two spaces apart. The first row is the heading.
pub(crate) fn table<const N: usize>(rows: &[[String; N]]) -> String {
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: [usize; N] = std::array::from_fn(width);
    let line = |row: &[String; N]| {
        let cells: Vec<_> = row.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        cells.join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let row = |cells: [&str; 3]| cells.map(str::to_owned);
        let rows = [
            row(["what", "process", "where"]),
            row(["nats-server", "4711", "nats://127.0.0.1:4222"]),
            row(["order", "4713", ""]),
        ];
        insta::assert_snapshot!(table(&rows), @r"
        what         process  where
        nats-server  4711     nats://127.0.0.1:4222
        order        4713
        ");
    }
}
