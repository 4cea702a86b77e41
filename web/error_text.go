package web

// AdviceFor says what a person can do about a fault's code. It is empty for a
// code that calls for nothing, or that is not known.
func AdviceFor(code string) string {
	switch code {
	case "invalid":
		return "Correct what is marked and send it again."
	case "unauthenticated":
		return "Sign in and try again."
	case "denied":
		return "Ask an administrator for the role, or to do it for you."
	case "not_found":
		return "Check the address, or start from the list."
	case "conflict":
		return "Someone or something was faster. Reload the page and look at the present state."
	case "too_large":
		return "Send less at once."
	case "too_many":
		return "Wait a minute and try again."
	case "blocked":
		return "Nothing was sent to CXone. Clear the blockers on the table's page and start a new run."
	case "plan_changed":
		return "Nothing was sent to CXone, and nothing was decided. Look at it as it is now, check it again and ask again, or start a new run."
	case "tenant_auth":
		return "Check what CXone's answer names: the connection's client id, secret and realm, or its token URL. Then run “cxseal doctor”."
	case "tenant_scope":
		return "Ask the tenant's administrator to grant the missing scope to this client, then start a new run."
	case "tenant_not_found":
		return "Check the data store and table ids; the table may have been removed in CXone."
	case "tenant_refused":
		return "Sending the same again cannot help. Read CXone's answer below, correct the cause and start a new run."
	case "tenant_down":
		return "CXone could not be reached or kept failing. See its status page, run “cxseal doctor”, and start a new run when it answers."
	case "tenant_unreadable":
		return "CXone is up, but its answer is not what is expected of it. Check the base URL and the path prefix, and show the sentence above to CXone's support."
	case "index_in_the_way":
		return "An index covers one of the columns. Let it be masked on the form, or have it changed in CXone, then start a new run."
	case "kms_refused":
		return "Do not rely on this encryption yet. Find out which key the KMS used, have it send the callback again, or start a new run."
	case "unconfirmed":
		return "The columns may be encrypted, but the KMS has not said so. Check that CXone can reach the callback URL. A late callback still counts."
	case "unavailable":
		return "Wait a minute and try again. If it lasts, have whoever looks after this console see to its disk and its database."
	case "internal":
		return "Try again. If it happens again, give the request id to whoever looks after this console."
	}
	return ""
}

// ListingAdviceFor says what a person can do about a data store whose tables
// could not be listed: no run mends that.
func ListingAdviceFor(code string) string {
	switch code {
	case "tenant_scope":
		return "Ask the tenant's administrator to let this client list this data store, then read again from CXone."
	case "tenant_not_found":
		return "The data store may have been removed in CXone, or its tables cannot be listed there. Look there, then read again."
	case "tenant_refused":
		return "Show CXone's answer to its administrator, then read again."
	case "tenant_down":
		return "CXone could not be reached or kept failing. See its status page, and read again when it answers."
	}
	return AdviceFor(code)
}
