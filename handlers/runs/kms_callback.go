package runs

import (
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"cxseal/handlers/frame"
	"cxseal/internal/encryption"
	"cxseal/internal/fault"
)

// callbackReadTime bounds how long a callback's body may take to arrive.
const callbackReadTime = 15 * time.Second

// kmsCallback takes a KMS callback: no session, no form token; the URL's last
// part and, where the connection has a secret, the signature say whose it is.
func (a *Area) kmsCallback(c echo.Context) error {
	token, err := frame.Param(c, "token")
	if err != nil {
		return err
	}
	request, err := readCallback(c.Response(), c.Request())
	if err != nil {
		return err
	}
	request.Token, request.RemoteIP = token, c.RealIP()
	answer, err := a.Encryption.Confirm(c.Request().Context(), request)
	if err != nil {
		return err
	}
	return a.Send(c, answer.Status, echo.MIMEApplicationJSON, answer.Body)
}

// readCallback reads a callback's body and signature, never more than one byte
// beyond what is allowed.
func readCallback(w http.ResponseWriter, r *http.Request) (encryption.CallbackRequest, error) {
	request := encryption.CallbackRequest{ID: r.Header.Get("webhook-id"), Timestamp: r.Header.Get("webhook-timestamp"),
		Signature: r.Header.Get("webhook-signature")}
	// A recorder in a test has no connection to put a deadline on.
	if err := http.NewResponseController(w).SetReadDeadline(time.Now().Add(callbackReadTime)); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return request, err
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, encryption.MaxCallbackBody+1))
	if err != nil {
		return request, fault.Wrap(err, fault.Invalid, "The callback's body did not arrive whole.")
	}
	request.Body = body
	if len(body) > encryption.MaxCallbackBody {
		request.Oversized, request.Body = true, nil
		w.Header().Set(echo.HeaderConnection, "close") // the rest is not read
	}
	return request, nil
}

// Callbacks answers KMS callbacks and nothing else, for a command that waits
// for one while no console is serving.
func Callbacks(service *encryption.Service, logger *slog.Logger) http.Handler {
	mux := http.NewServeMux()
	answer := func(w http.ResponseWriter, r *http.Request) {
		request, err := readCallback(w, r)
		if err != nil {
			http.Error(w, fault.MessageOf(err), http.StatusBadRequest)
			return
		}
		request.Token = r.PathValue("token")
		request.RemoteIP, _, _ = net.SplitHostPort(r.RemoteAddr)
		answer, err := service.Confirm(r.Context(), request)
		if err != nil {
			logger.ErrorContext(r.Context(), "a callback was not kept", "err", err)
			http.Error(w, "Internal error", http.StatusInternalServerError)
			return
		}
		w.Header().Set(echo.HeaderContentType, echo.MIMEApplicationJSON)
		w.WriteHeader(answer.Status)
		if _, err := w.Write(answer.Body); err != nil {
			logger.WarnContext(r.Context(), "the tenant did not take the answer", "err", err)
		}
	}
	mux.HandleFunc("POST /kms/callback/{token}", answer)
	mux.HandleFunc("POST /kms/callback/{token}/{$}", answer) // some senders append a slash
	return mux
}
