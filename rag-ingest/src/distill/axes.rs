//! Principal axes of a cloud of vectors, by Jacobi rotations of its covariance.

/// The centre of the cloud and the directions it stretches in, the strongest first.
#[derive(Debug)]
pub(super) struct Axes {
    pub(super) mean: Vec<f64>,
    pub(super) directions: Vec<Vec<f64>>,
}

/// A square matrix, row by row.
#[derive(Debug, Clone)]
struct Square {
    size: usize,
    numbers: Vec<f64>,
}

impl Square {
    fn zero(size: usize) -> Self {
        Self {
            size,
            numbers: vec![0.0; size * size],
        }
    }

    fn at(&self, row: usize, column: usize) -> f64 {
        let number = self.numbers.get(row * self.size + column);
        number.copied().unwrap_or(0.0)
    }

    fn row_mut(&mut self, row: usize) -> &mut [f64] {
        let start = row * self.size;
        self.numbers
            .get_mut(start..start + self.size)
            .unwrap_or_default()
    }

    /// Two different rows at once, the lower-numbered one first.
    fn rows_mut(&mut self, first: usize, second: usize) -> (&mut [f64], &mut [f64]) {
        let size = self.size;
        let (head, tail) = self
            .numbers
            .split_at_mut_checked(second * size)
            .unwrap_or_default();
        (
            head.get_mut(first * size..(first + 1) * size)
                .unwrap_or_default(),
            tail.get_mut(..size).unwrap_or_default(),
        )
    }
}

/// The principal axes of a cloud.
pub(super) fn principal<'a>(
    cloud: impl Iterator<Item = &'a Vec<f64>> + Clone,
    dimension: usize,
) -> Axes {
    let mut mean = vec![0.0; dimension];
    let mut points = 0.0_f64;
    for vector in cloud.clone() {
        points += 1.0;
        for (sum, number) in mean.iter_mut().zip(vector) {
            *sum += number;
        }
    }
    for number in &mut mean {
        *number /= points.max(1.0);
    }

    let mut covariance = Square::zero(dimension);
    for vector in cloud {
        let centred: Vec<f64> = vector.iter().zip(&mean).map(|(x, mean)| x - mean).collect();
        for (row, x) in centred.iter().enumerate() {
            for (sum, y) in covariance.row_mut(row).iter_mut().zip(&centred) {
                *sum += x * y / points;
            }
        }
    }

    let mut directions = Square::zero(dimension);
    for axis in 0..dimension {
        if let Some(one) = directions.row_mut(axis).get_mut(axis) {
            *one = 1.0;
        }
    }
    diagonalise(&mut covariance, &mut directions);

    let mut order: Vec<usize> = (0..dimension).collect();
    order.sort_by(|a, b| covariance.at(*b, *b).total_cmp(&covariance.at(*a, *a)));
    let directions = order
        .into_iter()
        .map(|axis| {
            let mut direction = directions.row_mut(axis).to_vec();
            // An axis has no sign of its own; give it one, so that the table is the same everywhere.
            let largest =
                direction.iter().fold(
                    0.0_f64,
                    |most, x| if x.abs() > most.abs() { *x } else { most },
                );
            if largest < 0.0 {
                for number in &mut direction {
                    *number = -*number;
                }
            }
            direction
        })
        .collect();
    Axes { mean, directions }
}

/// Rotates a symmetric matrix until only its diagonal is left, and the rows of `directions` along with it.
fn diagonalise(matrix: &mut Square, directions: &mut Square) {
    const SWEEPS: usize = 30;
    let size = matrix.size;
    let total: f64 = matrix.numbers.iter().map(|x| x * x).sum();
    for _ in 0..SWEEPS {
        let diagonal: f64 = (0..size).map(|i| matrix.at(i, i).powi(2)).sum();
        let off: f64 = matrix.numbers.iter().map(|x| x * x).sum::<f64>() - diagonal;
        if off <= total * 1e-24 {
            return;
        }
        for p in 0..size {
            for q in p + 1..size {
                let shared = matrix.at(p, q);
                if shared == 0.0 {
                    continue;
                }
                let theta = (matrix.at(q, q) - matrix.at(p, p)) / (2.0 * shared);
                let tangent = theta.signum() / (theta.abs() + theta.hypot(1.0));
                let cosine = 1.0 / tangent.hypot(1.0);
                let sine = tangent * cosine;
                for row in matrix.numbers.chunks_exact_mut(size) {
                    if let [Some(x), Some(y)] = [row.get(p).copied(), row.get(q).copied()] {
                        if let Some(place) = row.get_mut(p) {
                            *place = cosine * x - sine * y;
                        }
                        if let Some(place) = row.get_mut(q) {
                            *place = sine * x + cosine * y;
                        }
                    }
                }
                rotate(matrix.rows_mut(p, q), cosine, sine);
                rotate(directions.rows_mut(p, q), cosine, sine);
            }
        }
    }
}

fn rotate((first, second): (&mut [f64], &mut [f64]), cosine: f64, sine: f64) {
    for (x, y) in first.iter_mut().zip(second) {
        (*x, *y) = (cosine * *x - sine * *y, sine * *x + cosine * *y);
    }
}

#[cfg(test)]
mod tests {
    use super::principal;

    #[test]
    fn the_strongest_axis_of_a_stretched_cloud_is_the_one_it_is_stretched_along() {
        let cloud: Vec<Vec<f64>> = (-50..=50)
            .flat_map(|i| [-1.0, 1.0].map(|side| (f64::from(i), side)))
            .map(|(far, side)| vec![3.0 + far * 0.6 - side * 0.8, far * 0.8 + side * 0.6, 7.0])
            .collect();
        let axes = principal(cloud.iter(), 3);
        let expected = [[0.6, 0.8, 0.0], [0.8, -0.6, 0.0]];
        for (direction, expected) in axes.directions.iter().zip(expected) {
            for (found, expected) in direction.iter().zip(expected) {
                assert!((found - expected).abs() < 1e-9, "{:?}", axes.directions);
            }
        }
        assert!((axes.mean[0] - 3.0).abs() < 1e-9 && (axes.mean[2] - 7.0).abs() < 1e-9);
    }
}
