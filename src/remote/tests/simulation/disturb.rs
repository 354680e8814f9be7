//! Random faults.

use rand::Rng;

use crate::world::World;

impl World {
    /// So many random faults, with pauses between them. `restores` says whether backups are put
    /// back as well.
    pub(crate) fn disturb(&mut self, faults: usize, restores: bool) {
        for _ in 0..faults {
            self.fault(restores);
            let pause = self.rng.random_range(10..1_500);
            self.run_ms(pause);
        }
    }

    fn fault(&mut self, restores: bool) {
        let wire = self.rng.random_range(0..self.wires.len());
        let route = self.rng.random_range(0..self.wires[wire].routes.len());
        let node = self.rng.random_range(0..self.nodes.len());
        let on = &mut self.wires[wire].routes[route];
        match self.rng.random_range(0..20) {
            0 | 1 => on.cut(true),
            2 => on.is_cut_down = true,
            3 => on.is_cut_up = true,
            4..=7 => on.cut(false),
            8 => self.wires[wire].reset(),
            9 => self.crash(node),
            10..=12 => self.restart(node),
            13 | 14 => {
                on.delay_ms = self.rng.random_range(0..150);
                on.jitter_ms = self.rng.random_range(0..100);
            }
            15 => self.nodes[node].save_checkpoint(),
            16 => self.resync(node),
            17 => {
                let hours = self.rng.random_range(-2..=2);
                self.nodes[node].step_wall(hours * 3_600_000_000);
            }
            18 => {
                let line = self.rng.random_range(0..self.plan.lines.len());
                self.away[line] = !self.away[line];
            }
            _ => self.fault_of_the_disk(node, restores),
        }
    }

    fn fault_of_the_disk(&mut self, node: usize, restores: bool) {
        if restores && self.rng.random_bool(0.5) {
            return self.put_back(node);
        }
        match self.rng.random_range(0..2) {
            0 => {
                self.crash(node);
                self.nodes[node].lose_checkpoint();
                self.restart(node);
            }
            _ => self.nodes[node].save_checkpoint(),
        }
    }

    /// A copy of every folder, which is old by the time it is put back.
    pub(crate) fn back_up_all(&mut self) {
        for node in &mut self.nodes {
            node.save_checkpoint();
            node.back_up();
        }
    }

    /// Stops a node, puts the copy of its folder back, and starts it.
    pub(crate) fn put_back(&mut self, node: usize) {
        self.crash(node);
        self.nodes[node].put_back();
        self.restored = true;
        self.restart(node);
    }

    pub(crate) fn resync(&mut self, node: usize) {
        for wire in self.nodes[node].resync_links() {
            self.wires[wire].reset();
        }
    }

    /// Everything works again. Where a link has several routes, one may stay dead for good.
    pub(crate) fn heal(&mut self) {
        for wire in &mut self.wires {
            for route in &mut wire.routes {
                route.cut(false);
                (route.delay_ms, route.jitter_ms) = (5, 0);
            }
            if wire.routes.len() > 1 {
                let dead = self.rng.random_range(0..wire.routes.len());
                wire.routes[dead].cut(true);
            }
        }
        for node in 0..self.nodes.len() {
            self.restart(node);
        }
        self.away.fill(false);
    }
}
