// Package frame has what every page needs: sessions, form tokens, the guard before every route, errors as HTTP,
// rendering, filters of lists, downloads, event streams, request metrics and probes.
//
// An area (handlers/tables, handlers/runs, …) embeds the *Frame and adds its pages. A page sets no cookie and
// writes no status itself. Code that only one area needs may not be here.
package frame
