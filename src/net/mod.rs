//! Connections, whatever is spoken on them: how many there may be and whose, how each gets on, what it may hold, and how it ends.

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
