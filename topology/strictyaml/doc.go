// Package strictyaml reads YAML and JSON documents strictly: unknown keys,
// duplicate keys, wrong types and bad units are errors, and all of them are
// reported at once, each with file, line and path. It is pure. topology,
// pathspec and clab read their files with it.
package strictyaml
