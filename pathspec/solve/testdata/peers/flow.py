"""The same questions as suurballe.cc to networkx: a minimum cost flow of k.
The graph is made once; parallel arcs are left out but for the cheapest."""
import sys, time
import networkx as nx

words = iter(sys.stdin.read().split())
nodes, arcs, queries, k = (int(next(words)) for _ in range(4))
g = nx.DiGraph()
g.add_nodes_from(range(nodes), demand=0)
for _ in range(arcs):
    a, b, c = (int(next(words)) for _ in range(3))
    if not g.has_edge(a, b) or g[a][b]["weight"] > c:
        g.add_edge(a, b, weight=c, capacity=1)
ask = [(int(next(words)), int(next(words))) for _ in range(queries)]
answers, start = [], time.process_time_ns()
for a, b in ask:
    g.nodes[a]["demand"], g.nodes[b]["demand"] = -k, k
    try:
        answers.append(nx.min_cost_flow_cost(g))
    except nx.NetworkXUnfeasible:
        answers.append(-1)
    g.nodes[a]["demand"] = g.nodes[b]["demand"] = 0
print(time.process_time_ns() - start, *answers, sep="\n")
