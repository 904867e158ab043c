//! Connections, whatever is spoken on them: how many, from which networks, their progress, memory and end.

mod accept;
mod aside;
mod budget;
mod networks;
mod places;
mod polite;
mod pulse;

pub use accept::{Accepted, Door};
pub use aside::Aside;
pub use budget::{Budget, Room, Share};
pub use networks::{WIDE, widest_network};
pub use places::Place;
pub use polite::Polite;
pub use pulse::{Overdue, Pulse, UnderWay};
