//! Shapes of functions against definitions, and a dataflow problem solved.

mod common;

use common::{Program, functions};
use std::collections::BTreeSet;
use std::path::Path;
use tophash_flow::{
    Arm, Block, BlockId, Cond, Function, Graph, Instr, Op, PlaceId, PlaceKind, Problem, Terminator,
    Unit, Value, lower, solve,
};
use tophash_types::{Checker, FileId};

fn units(archive: &str) -> Vec<Unit> {
    let program = Program::new(archive, (1, 26));
    let mut checker = Checker::new(&program);
    functions(&program.sources[0].1)
        .into_iter()
        .filter_map(|func| lower(&mut checker, FileId(0), func, &|_, _| None))
        .collect()
}

/// The blocks that can be reached from the entry without passing `without`.
fn reached(function: &Function, without: BlockId) -> BTreeSet<BlockId> {
    let mut seen = BTreeSet::new();
    let mut work = vec![BlockId::ENTRY];
    while let Some(block) = work.pop() {
        if block != without && seen.insert(block) {
            work.extend(function.block(block).end.successors().map(|(_, to)| to));
        }
    }
    seen
}

#[test]
fn dominators_and_order() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/go");
    for entry in std::fs::read_dir(dir).expect("test files") {
        let text = std::fs::read_to_string(entry.expect("an entry").path()).expect("text");
        for unit in units(&text) {
            for function in &unit.functions {
                check_shape(function);
            }
        }
    }
}

fn check_shape(function: &Function) {
    let graph = Graph::new(function);
    let blocks: Vec<BlockId> = (0..function.blocks.len() as u32).map(BlockId).collect();
    assert_eq!(graph.order.len(), blocks.len());
    for &by in &blocks {
        let rest = reached(function, by);
        for &block in &blocks {
            assert_eq!(graph.dominates(by, block), !rest.contains(&block));
        }
    }
    for &from in &blocks {
        for (_, to) in function.block(from).end.successors() {
            assert!(graph.predecessors[to.index()].contains(&from));
            let forwards = graph.rank[from.index()] < graph.rank[to.index()];
            assert!(forwards || graph.is_back_edge(from, to));
        }
    }
}

/// Variables that may be nil, by what they were last assigned and by tests.
struct MaybeNil<'a> {
    unit: &'a Unit,
}

impl MaybeNil<'_> {
    fn written_while_nil(unit: &Unit) -> usize {
        let function = unit.function(tophash_flow::FnId::ROOT);
        let graph = Graph::new(function);
        let mut problem = MaybeNil { unit };
        let solution = solve(function, &graph, &mut problem);
        assert!(solution.complete);
        let mut count = 0;
        solution.replay(
            function,
            &graph,
            &mut problem,
            |problem, nil, _, _, instr| {
                if let Op::MapWrite { elem, .. } = instr.op
                    && let PlaceKind::MapElem { map, .. } = problem.unit.places.get(elem).kind
                {
                    count += usize::from(nil.contains(&map));
                }
            },
        );
        count
    }
}

impl Problem for MaybeNil<'_> {
    type State = BTreeSet<PlaceId>;

    fn start(&mut self) -> Self::State {
        BTreeSet::new()
    }
    fn join(&mut self, into: &mut Self::State, from: &Self::State, _: u32) -> bool {
        let before = into.len();
        into.extend(from);
        into.len() != before
    }
    fn instr(&mut self, nil: &mut Self::State, instr: &Instr) {
        if let Op::Assign { dst, value, .. } = &instr.op {
            nil.remove(dst);
            if let Value::Zero(_) = value {
                nil.insert(*dst);
            }
        }
    }
    fn edge(&mut self, nil: &mut Self::State, block: &Block, arm: Arm) -> bool {
        if let Terminator::Branch {
            cond: Cond::IsNil(place) | Cond::IsEmpty(place),
            ..
        } = block.end
            && arm == Arm::Other
        {
            nil.remove(&place);
        }
        true
    }
}

#[test]
fn forward_problem() {
    let cases = [
        (1, "var m map[int]int; m[1] = 1"),
        (0, "var m map[int]int; if m != nil { m[1] = 1 }"),
        (
            0,
            "var m map[int]int; if m == nil { m = make(map[int]int) }; m[1] = 1",
        ),
        (
            1,
            "var m map[int]int; if b { m = make(map[int]int) }; m[1] = 1",
        ),
        (
            0,
            "var m map[int]int; if b || m == nil { return }; m[1] = 1",
        ),
        (
            1,
            "var m map[int]int; if b && m == nil { return }; m[1] = 1",
        ),
        (
            1,
            "var m map[int]int; for b { m[1] = 1; m = map[int]int{} }",
        ),
        (
            0,
            "var m map[int]int; for { if len(m) > 2 { break } }; m[1] = 1",
        ),
        (0, "var m map[int]int; if m == nil { panic(1) }; m[1] = 1"),
        (
            1,
            "var m map[int]int; defer func() { m = nil }(); for range 3 { m[1] = 1 }",
        ),
    ];
    for (expected, body) in cases {
        let units = units(&format!("package p\nfunc f(b bool) {{ {body} }}\n"));
        assert_eq!(MaybeNil::written_while_nil(&units[0]), expected, "{body}");
    }
}
