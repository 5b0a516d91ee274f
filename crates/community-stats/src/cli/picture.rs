//! A series as a small picture of block characters.

/// How a picture is filled, from an eighth to the whole.
const BLOCKS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// The lines of a picture of `values`, `width` by `height` characters: means of equal stretches,
/// the largest one as high as the picture.
pub(super) fn bars(values: &[f64], width: usize, height: usize) -> Vec<String> {
    let columns = means(values, width);
    let top = columns.iter().copied().fold(0.0, f64::max);
    let steps = (height * BLOCKS.len()) as f64;
    let filled: Vec<usize> = columns
        .iter()
        .map(|value| if top > 0.0 { (value / top * steps).round() as usize } else { 0 })
        .collect();
    (0..height)
        .rev()
        .map(|row| filled.iter().map(|filled| block(*filled, row)).collect::<String>())
        .collect()
}

fn block(filled: usize, row: usize) -> char {
    match filled.saturating_sub(row * BLOCKS.len()) {
        0 => ' ',
        eighths => BLOCKS[eighths.min(BLOCKS.len()) - 1],
    }
}

fn means(values: &[f64], width: usize) -> Vec<f64> {
    let width = width.min(values.len());
    (0..width)
        .map(|column| {
            let stretch =
                &values[column * values.len() / width..(column + 1) * values.len() / width];
            stretch.iter().sum::<f64>() / stretch.len() as f64
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::bars;

    #[test]
    fn values_become_blocks() {
        assert_eq!(bars(&[0.0, 1.0, 2.0, 4.0], 4, 2), ["   █", " ▄██"]);
        assert_eq!(bars(&[1.0, 3.0, 8.0, 8.0], 2, 1), ["▂█"]);
        assert_eq!(bars(&[0.0; 3], 2, 1), ["  "]);
        assert!(bars(&[], 10, 1)[0].is_empty());
    }
}
