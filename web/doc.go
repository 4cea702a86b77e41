// Package web is what a person sees: the console's pages as templ components,
// their view models, and the static assets, vendored and content-hashed.
//
// A page is a function of its view model and does no I/O. The package imports
// neither echo nor store nor cxone nor anything under internal: handlers fills
// the view models from the domain's types and renders. Every outside string is
// escaped where it is shown, and no page carries an inline script or style, so
// that the strictest Content-Security-Policy holds.
//
// Files are named after the page or the part of one that they belong to:
//
//   - x.templ draws it, and templ makes x_templ.go of that;
//   - x_view.go holds its view model: what handlers fill, and small methods that template asks;
//   - x_text.go holds its words: labels, choices and sentences. Where they are few they stand in x_view.go.
//
// A page that grew long is drawn by several templates, each named after what it draws (rotations.templ,
// rotation_feed.templ); parts that several pages show are named alike (audit_table.templ, components.templ). No
// x_view.go or x_text.go stands without its x.templ, and a test holds that. A file with another name serves many
// pages and says by its name with what: badge.go, format.go, icons.go, moment.go, paths.go, render.go, assets.go.
package web
