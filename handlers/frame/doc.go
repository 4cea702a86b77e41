// Package frame is the ground floor of the pages: sessions, form tokens, the
// guard before every route, errors as HTTP, rendering, filters of lists,
// downloads, event streams, request metrics and probes.
//
// An area (handlers/tables, handlers/runs, …) embeds the *Frame and adds its
// pages. No page reaches around the frame: it neither sets a cookie nor writes
// a status itself. What only one area needs does not belong here.
package frame
