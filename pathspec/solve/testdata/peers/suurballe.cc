// Answers queries for k cheapest link-disjoint paths with LEMON's Suurballe.
// Input: nodes, arcs, queries, k; per arc: from, to, cost; per query: from, to.
// Output: nanoseconds of processor time in all, then a line for every query: its cost, or -1.
#include <cstdio>
#include <ctime>
#include <vector>

#include <lemon/static_graph.h>
#include <lemon/suurballe.h>

int main() {
  int nodes, arcs, queries, k;
  if (scanf("%d %d %d %d", &nodes, &arcs, &queries, &k) != 4) return 1;
  typedef lemon::StaticDigraph G;
  std::vector<std::pair<int, int>> list(arcs);
  std::vector<long long> costs(arcs);
  for (int i = 0; i < arcs; i++)  // sorted by from, as StaticDigraph wants
    if (scanf("%d %d %lld", &list[i].first, &list[i].second, &costs[i]) != 3) return 1;
  G g;
  g.build(nodes, list.begin(), list.end());
  G::ArcMap<long long> cost(g);
  for (int i = 0; i < arcs; i++) cost[g.arc(i)] = costs[i];
  std::vector<std::pair<int, int>> ask(queries);
  for (auto& q : ask)
    if (scanf("%d %d", &q.first, &q.second) != 2) return 1;
  lemon::Suurballe<G, G::ArcMap<long long>> s(g, cost);
  std::vector<long long> answers(queries);
  timespec start, end;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &start);
  for (int i = 0; i < queries; i++)
    answers[i] = s.run(g.node(ask[i].first), g.node(ask[i].second), k) == k ? s.totalLength() : -1;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &end);
  printf("%lld\n", (end.tv_sec - start.tv_sec) * 1000000000LL + end.tv_nsec - start.tv_nsec);
  for (auto a : answers) printf("%lld\n", a);
}
