//! Where particles are in tilt images: what `tomoset.geometry` does array by array, for all of a set at once.

use std::ops::Range;

use crate::error::{Result, StarError};
use crate::parallel;

/// A row of a projection matrix, for each image: its three factors, and what is added.
pub type Row<'a> = [&'a [f64]; 4];

/// All tilt images of a set.
#[derive(Clone, Copy, Debug)]
pub struct Images<'a> {
    pub x: Row<'a>,
    pub y: Row<'a>,
    /// Of which that of the tomogram's centre is taken off already.
    pub depth: Row<'a>,
    /// Defocus of the tomogram's centre.
    pub defocus_u: &'a [f64],
    pub defocus_v: &'a [f64],
}

/// A tomogram of the set.
#[derive(Clone, Debug)]
pub struct Tomogram {
    /// Which of the set's images are its own.
    pub images: Range<usize>,
    /// By how much the defocus changes with a pixel of depth.
    pub defocus_per_pixel: f64,
    /// Width and height of its images.
    pub image_size: [f64; 2],
}

/// Where particles are.
#[derive(Clone, Copy, Debug)]
pub struct Points<'a> {
    /// The tomogram of each.
    pub owners: &'a [usize],
    /// In pixels from the corner of the tomogram.
    pub axes: [&'a [f64]; 3],
    /// How far each is from there while each image is taken, in pixels, particle by particle.
    pub shifts: Option<[&'a [f64]; 3]>,
}

/// A row for each particle and image of its tomogram, particle by particle.
#[derive(Clone, Debug, Default)]
pub struct Places {
    pub x: Vec<f64>,
    pub y: Vec<f64>,
    pub depth: Vec<f64>,
    pub defocus_u: Vec<f64>,
    pub defocus_v: Vec<f64>,
    pub visible: Vec<bool>,
}

/// Rows that are worth a task of their own.
const SHARE: usize = if cfg!(test) { 4 } else { 1 << 16 };

/// Makes sure that all that is asked for is there; gives the number of rows.
fn check(images: &Images<'_>, tomograms: &[Tomogram], points: &Points<'_>) -> Result<usize> {
    let odd = |what: &str| StarError::Option(format!("places in tilt images: {what}"));
    let all = images.x.iter().chain(&images.y).chain(&images.depth).chain([&images.defocus_u, &images.defocus_v]);
    let there = all.map(|entries| entries.len()).min().unwrap_or(0);
    if tomograms.iter().any(|tomogram| tomogram.images.start > tomogram.images.end || tomogram.images.end > there) {
        return Err(odd("a tomogram has images that are not there"));
    }
    if points.axes.iter().any(|axis| axis.len() != points.owners.len()) {
        return Err(odd("coordinates and owners are not of one length"));
    }
    let mut total = 0;
    for &owner in points.owners {
        total += tomograms.get(owner).ok_or_else(|| odd("a particle is of a tomogram that is not there"))?.images.len();
    }
    if points.shifts.is_some_and(|shifts| shifts.iter().any(|axis| axis.len() != total)) {
        return Err(odd("there is not one shift for each row"));
    }
    Ok(total)
}

/// Projects particles into the images of their tomograms.
///
/// A particle is visible where it is further than `radius` from the edges of the image.
///
/// # Errors
/// A particle whose owner is no tomogram, a tomogram with images that are not there, shifts for another number of rows.
pub fn places(
    images: &Images<'_>,
    tomograms: &[Tomogram],
    points: &Points<'_>,
    radius: f64,
    threads: usize,
) -> Result<Places> {
    let count = |owner: &usize| tomograms.get(*owner).map_or(0, |tomogram| tomogram.images.len());
    let total = check(images, tomograms, points)?;
    let mut found = Places {
        x: vec![0.0; total],
        y: vec![0.0; total],
        depth: vec![0.0; total],
        defocus_u: vec![0.0; total],
        defocus_v: vec![0.0; total],
        visible: vec![false; total],
    };
    let mut tasks = Vec::new();
    let mut rest = Rows::of(&mut found);
    let (mut first, mut row) = (0, 0);
    while first < points.owners.len() {
        let (mut stop, mut rows) = (first, 0);
        while let Some(owner) = points.owners.get(stop).filter(|_| rows < SHARE) {
            rows += count(owner);
            stop += 1;
        }
        let (own, after) = rest.split(rows);
        tasks.push((own, first..stop, row));
        (rest, first, row) = (after, stop, row + rows);
    }
    parallel::consume(tasks, threads, |(mut rows, particles, mut row)| {
        for particle in particles {
            let tomogram = points.owners.get(particle).and_then(|&owner| tomograms.get(owner));
            let Some(tomogram) = tomogram else { continue };
            let (mut own, after) = rows.split(tomogram.images.len());
            own.fill(images, tomogram, &points.path(particle, row..row + tomogram.images.len()), radius);
            row += tomogram.images.len();
            rows = after;
        }
    });
    Ok(found)
}

/// Where a particle is while each image is taken.
enum Path<'a> {
    Still([f64; 3]),
    Moving([f64; 3], [&'a [f64]; 3]),
}

impl<'a> Points<'a> {
    fn path(&self, particle: usize, rows: Range<usize>) -> Path<'a> {
        let at = self.axes.map(|axis| axis.get(particle).copied().unwrap_or(f64::NAN));
        match self.shifts {
            Some(shifts) => Path::Moving(at, shifts.map(|axis| axis.get(rows.clone()).unwrap_or_default())),
            None => Path::Still(at),
        }
    }
}

/// Rows to be filled.
struct Rows<'a> {
    x: &'a mut [f64],
    y: &'a mut [f64],
    depth: &'a mut [f64],
    defocus_u: &'a mut [f64],
    defocus_v: &'a mut [f64],
    visible: &'a mut [bool],
}

impl<'a> Rows<'a> {
    fn of(places: &'a mut Places) -> Self {
        let Places { x, y, depth, defocus_u, defocus_v, visible } = places;
        Self { x, y, depth, defocus_u, defocus_v, visible }
    }

    fn split(self, at: usize) -> (Self, Self) {
        let (x, more_x) = self.x.split_at_mut(at);
        let (y, more_y) = self.y.split_at_mut(at);
        let (depth, more_depth) = self.depth.split_at_mut(at);
        let (defocus_u, more_u) = self.defocus_u.split_at_mut(at);
        let (defocus_v, more_v) = self.defocus_v.split_at_mut(at);
        let (visible, more_visible) = self.visible.split_at_mut(at);
        let first = Self { x, y, depth, defocus_u, defocus_v, visible };
        let rest = Self {
            x: more_x,
            y: more_y,
            depth: more_depth,
            defocus_u: more_u,
            defocus_v: more_v,
            visible: more_visible,
        };
        (first, rest)
    }

    fn fill(&mut self, images: &Images<'_>, tomogram: &Tomogram, path: &Path<'_>, radius: f64) {
        project(self.x, own(images.x, tomogram), path);
        project(self.y, own(images.y, tomogram), path);
        project(self.depth, own(images.depth, tomogram), path);
        let slope = tomogram.defocus_per_pixel;
        for (out, base) in [(&mut *self.defocus_u, images.defocus_u), (&mut *self.defocus_v, images.defocus_v)] {
            let base = base.get(tomogram.images.clone()).unwrap_or_default();
            for ((out, base), depth) in out.iter_mut().zip(base).zip(&*self.depth) {
                *out = base + slope * depth;
            }
        }
        let [width, height] = tomogram.image_size.map(|size| size - radius);
        for ((visible, x), y) in self.visible.iter_mut().zip(&*self.x).zip(&*self.y) {
            *visible = radius < *x && *x < width && radius < *y && *y < height;
        }
    }
}

/// The entries of a tomogram's images.
fn own<'a>(row: Row<'a>, tomogram: &Tomogram) -> Row<'a> {
    row.map(|entries| entries.get(tomogram.images.clone()).unwrap_or_default())
}

/// One coordinate of a particle in each image.
fn project(out: &mut [f64], [a, b, c, d]: Row<'_>, path: &Path<'_>) {
    let entries = a.iter().zip(b).zip(c).zip(d);
    match path {
        Path::Still([x, y, z]) => {
            for (out, (((a, b), c), d)) in out.iter_mut().zip(entries) {
                *out = a * x + b * y + c * z + d;
            }
        }
        Path::Moving([x, y, z], [dx, dy, dz]) => {
            let shifts = dx.iter().zip(*dy).zip(*dz);
            for ((out, (((a, b), c), d)), ((dx, dy), dz)) in out.iter_mut().zip(entries).zip(shifts) {
                *out = a * (x + dx) + b * (y + dy) + c * (z + dz) + d;
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::expect_used, clippy::indexing_slicing)]
mod tests {
    use super::*;

    #[test]
    fn particles_of_two_tomograms_whatever_the_threads() {
        // The second image mirrors x; the third is of the other tomogram.
        let (ones, zeros) = ([1.0; 3], [0.0; 3]);
        let mirrored = [1.0, -1.0, 1.0];
        let images = Images {
            x: [&mirrored, &zeros, &zeros, &[0.0, 100.0, 5.0]],
            y: [&zeros, &ones, &zeros, &zeros],
            depth: [&zeros, &zeros, &ones, &[-10.0; 3]],
            defocus_u: &[1000.0, 2000.0, 3000.0],
            defocus_v: &[900.0, 1900.0, 2900.0],
        };
        let tomograms = [
            Tomogram { images: 0..2, defocus_per_pixel: 2.0, image_size: [100.0, 50.0] },
            Tomogram { images: 2..3, defocus_per_pixel: -2.0, image_size: [100.0, 50.0] },
        ];
        let owners = [1, 0, 0];
        let axes: [&[f64]; 3] = [&[1.0, 20.0, 99.0], &[2.0, 30.0, 30.0], &[10.0, 15.0, 10.0]];
        let shift = [0.0, 0.0, 1.0, 0.0, 0.0];
        for threads in [1, 3] {
            let still = places(&images, &tomograms, &Points { owners: &owners, axes, shifts: None }, 2.0, threads)
                .expect("all is there");
            assert_eq!(still.x, [6.0, 20.0, 80.0, 99.0, 1.0]);
            assert_eq!(still.y, [2.0, 30.0, 30.0, 30.0, 30.0]);
            assert_eq!(still.depth, [0.0, 5.0, 5.0, 0.0, 0.0]);
            assert_eq!(still.defocus_u, [3000.0, 1010.0, 2010.0, 1000.0, 2000.0]);
            assert_eq!(still.defocus_v, [2900.0, 910.0, 1910.0, 900.0, 1900.0]);
            assert_eq!(still.visible, [false, true, true, false, false]);
            let shifts = Some([&shift[..], &[0.0; 5], &[0.0; 5]]);
            let moving = places(&images, &tomograms, &Points { owners: &owners, axes, shifts }, 2.0, threads)
                .expect("all is there");
            assert_eq!(moving.x, [6.0, 20.0, 79.0, 99.0, 1.0]);
            let axes: [&[f64]; 3] = [&[1.0]; 3];
            for (owners, shifts) in [(&[7][..], None), (&[0], Some([&shift[..]; 3])), (&[0, 0], None)] {
                let odd = places(&images, &tomograms, &Points { owners, axes, shifts }, 2.0, threads);
                assert!(odd.is_err(), "{owners:?} {shifts:?}");
            }
            let beyond = [Tomogram { images: 2..9, ..tomograms[0].clone() }];
            assert!(places(&images, &beyond, &Points { owners: &[0], axes, shifts: None }, 2.0, threads).is_err());
        }
    }
}
