// Package web is what a person sees: the console's pages as templ components,
// their view models, and the static assets, vendored and content-hashed.
//
// A page is a function of its view model and does no I/O. The package imports
// neither echo nor store nor cxone nor anything under internal: handlers fills
// the view models from the domain's types and renders. Every outside string is
// escaped where it is shown, and no page carries an inline script or style, so
// that the strictest Content-Security-Policy holds.
package web
