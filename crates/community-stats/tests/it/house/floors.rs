//! The floors as ARCHITECTURE.md lists them.

use std::collections::BTreeMap;

/// For the crates, and for the rooms of each crate: on which floor each is, the highest first.
pub(super) struct Floors(BTreeMap<String, BTreeMap<String, usize>>);

impl Floors {
    /// Reads the blocks that begin with "```floors": under a name and a colon, indented, one floor a
    /// line.
    pub(super) fn read(text: &str) -> Self {
        let (mut houses, mut house, mut inside) = (BTreeMap::new(), None, false);
        for line in text.lines() {
            match line.trim_end() {
                "```floors" => inside = true,
                "```" => inside = false,
                line if inside && !line.starts_with(' ') => {
                    house = Some(line.trim_end_matches(':').to_owned());
                }
                line if inside => {
                    let house = house.clone().expect("a floor stands below a name");
                    let floors: &mut BTreeMap<String, usize> = houses.entry(house).or_default();
                    let floor = floors.values().max().map_or(0, |deepest| deepest + 1);
                    floors.extend(line.split_whitespace().map(|name| (name.to_owned(), floor)));
                }
                _ => {}
            }
        }
        Self(houses)
    }

    fn of(&self, house: &str, name: &str) -> Option<usize> {
        self.0.get(house)?.get(name).copied()
    }

    /// The arrows that do not lead down.
    pub(super) fn wrong(
        &self,
        house: &str,
        arrows: impl IntoIterator<Item = (String, String)>,
    ) -> Vec<String> {
        let leads_down = |from: &str, to: &str| self.of(house, from) < self.of(house, to);
        let mut wrong: Vec<String> = arrows
            .into_iter()
            .filter(|(from, to)| !leads_down(from, to))
            .map(|(from, to)| format!("{house}: {from} uses {to}, which is not below it"))
            .collect();
        wrong.sort();
        wrong.dedup();
        wrong
    }

    /// Those of these that are on no floor.
    pub(super) fn absent(
        &self,
        house: &str,
        names: impl IntoIterator<Item = String>,
    ) -> Vec<String> {
        let absent = names.into_iter().filter(|name| self.of(house, name).is_none());
        absent.map(|name| format!("{house}: {name} is on no floor")).collect()
    }
}
