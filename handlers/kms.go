package handlers

import (
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"cxseal/internal/encryption"
	"cxseal/internal/fault"
)

const kmsCallbackPath = "/kms/callback/:token"

// callbackReadTime bounds how long a callback's body may take to arrive.
const callbackReadTime = 15 * time.Second

// kmsCallback takes a KMS callback: no session, no form token; the URL's last
// part and, where the connection has a secret, the signature say whose it is.
func (h *Console) kmsCallback(c echo.Context) error {
	token, err := param(c, "token")
	if err != nil {
		return err
	}
	r := c.Request()
	// A recorder in a test has no connection to put a deadline on.
	if err := http.NewResponseController(c.Response()).SetReadDeadline(time.Now().Add(callbackReadTime)); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return err
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, encryption.MaxCallbackBody+1))
	if err != nil {
		return fault.Wrap(err, fault.Invalid, "The callback's body did not arrive whole.")
	}
	request := encryption.CallbackRequest{
		Token: token, RemoteIP: c.RealIP(), Body: body,
		ID: r.Header.Get("webhook-id"), Timestamp: r.Header.Get("webhook-timestamp"), Signature: r.Header.Get("webhook-signature"),
	}
	if len(body) > encryption.MaxCallbackBody {
		request.Oversized, request.Body = true, nil
		c.Response().Header().Set(echo.HeaderConnection, "close") // the rest is not read
	}
	answer, err := h.cfg.Service.Confirm(r.Context(), request)
	if err != nil {
		return err
	}
	return h.send(c, answer.Status, echo.MIMEApplicationJSON, answer.Body)
}
