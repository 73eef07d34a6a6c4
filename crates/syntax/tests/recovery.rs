//! What is left of a file after damage.

use tophash_syntax::walk::Node;
use tophash_syntax::{Bodies, ast, parse};

/// A file of functions of many shapes.
fn source() -> String {
    let mut source = String::from("package p\n\nimport \"fmt\"\n\n");
    for n in 0..20 {
        source.push_str(&format!(
            "// f{n} does things.
func f{n}(a, b int, c map[string][]int) (int, error) {{
	if a > b {{
		c[\"x\"] = append(c[\"x\"], call(a, b)...)
	}} else if v, ok := c[fmt.Sprint(a)]; ok {{
		fmt.Println(v, T{{a: 1, b: []int{{1, 2}}}})
	}}
	for i := 0; i < len(c); i++ {{
		switch x := any(i).(type) {{
		case int, string:
			use(x)
		default:
			go func() {{ defer done(); work(i) }}()
		}}
	}}
	select {{
	case ch <- 1:
		sent()
	case <-done():
	}}
	return a, nil
}}

type t{n} struct {{
	mu sync.Mutex
	m  map[string]int `json:\"m\"`
}}

func (t *t{n}) method(key string) int {{
	t.mu.Lock()
	defer t.mu.Unlock()
	t.m[key]++
	return t.m[key]
}}

"
        ));
    }
    source
}

/// Named functions with a body, and calls.
fn count(source: &str) -> (usize, usize) {
    let file = parse(source.as_bytes(), Bodies::Parse);
    let (mut funcs, mut calls) = (0, 0);
    file.walk(|node| {
        match node {
            Node::Decl(id) => {
                if let ast::DeclKind::Func(func) = file.ast.decl(id).kind {
                    let body = file.ast.func(func).body;
                    funcs += usize::from(matches!(body, ast::Body::Block(_)));
                }
            }
            Node::Expr(id) => {
                let kind = file.ast.expr(id).kind;
                calls += usize::from(matches!(kind, ast::ExprKind::Call { .. }));
            }
            _ => {}
        }
        true
    });
    (funcs, calls)
}

/// The least and the mean share, in percent, of functions and calls that are still in the tree
/// after each damage.
fn kept(damaged: impl Iterator<Item = String>) -> [f64; 4] {
    let (funcs, calls) = count(&source());
    let (mut sum, mut least, mut n) = ([0.0; 2], [100.0_f64; 2], 0.0);
    for source in damaged {
        let (f, c) = count(&source);
        let shares = [f as f64 / funcs as f64, c as f64 / calls as f64];
        for (k, share) in shares.into_iter().enumerate() {
            let share = 100.0 * share.min(1.0);
            sum[k] += share;
            least[k] = least[k].min(share);
        }
        n += 1.0;
    }
    [sum[0] / n, least[0], sum[1] / n, least[1]]
}

/// Each of the first 300 places where `what` stands, taken out.
fn without(what: &str) -> impl Iterator<Item = String> {
    let source = source();
    let places: Vec<usize> = source.match_indices(what).map(|(at, _)| at).collect();
    let len = what.len();
    places.into_iter().take(300).map(move |at| {
        let mut damaged = source.clone();
        damaged.replace_range(at..at + len, "");
        damaged
    })
}

/// `what` put at the start of each of the first 300 lines.
fn with(what: &'static str) -> impl Iterator<Item = String> {
    let source = source();
    let lines: Vec<usize> = source.match_indices('\n').map(|(at, _)| at + 1).collect();
    lines.into_iter().skip(4).take(300).map(move |at| {
        let mut damaged = source.clone();
        damaged.insert_str(at, what);
        damaged
    })
}

fn assert_kept(name: &str, damaged: impl Iterator<Item = String>, funcs: f64, calls: f64) {
    let [mean_funcs, least_funcs, mean_calls, least_calls] = kept(damaged);
    let text = format!(
        "{name}: functions {mean_funcs:.1} % (least {least_funcs:.1}), calls {mean_calls:.1} % (least {least_calls:.1})"
    );
    assert!(mean_funcs >= funcs && mean_calls >= calls, "{text}");
    assert!(least_funcs >= 97.0 && least_calls >= 90.0, "{text}");
}

#[test]
fn one_damage_costs_one_function() {
    assert_kept("} removed", without("}"), 99.0, 98.0);
    assert_kept("{ removed", without("{"), 99.0, 98.0);
    assert_kept(") removed", without(")"), 99.9, 99.0);
    assert_kept("( removed", without("("), 99.9, 98.0);
    assert_kept(", removed", without(", "), 99.9, 99.0);
    assert_kept("} added", with("}\n"), 99.0, 97.0);
    assert_kept("{ added", with("{\n"), 99.0, 98.0);
    assert_kept("foo. added", with("foo.\n"), 99.9, 99.0);
    assert_kept("quote added", with("\"\n"), 99.0, 98.0);
    assert_kept("if added", with("if x\n"), 99.9, 98.0);
}

#[test]
fn merge_conflicts_cost_nothing() {
    let clean = source();
    let conflict =
        |ours: &str, theirs: &str| format!("<<<<<<< HEAD\n{ours}=======\n{theirs}>>>>>>> branch\n");
    let line = "\treturn a, nil\n";
    let both = clean.replacen(line, &conflict(line, "\treturn b, nil\n"), 3);
    assert_eq!(count(&both), count(&clean));
    let file = parse(both.as_bytes(), Bodies::Parse);
    assert_eq!(file.errors.len(), 6);
    assert!(file.errors.iter().all(|e| e.message.contains("conflict")));
    let old =
        "<<<<<<< a\n\treturn a, nil\n||||||| base\n\treturn\n=======\n\treturn b\n>>>>>>> b\n";
    assert_eq!(count(&clean.replacen(line, old, 1)), count(&clean));
}

#[test]
fn files_on_one_line_recover_too() {
    let source =
        "package p; func a() { x( }; func b() {}; type T struct { x }; func c() { ) }; func d() {}";
    assert_eq!(count(source).0, 4);
}
