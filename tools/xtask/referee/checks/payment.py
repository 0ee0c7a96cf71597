"""Money in and out of the account."""

from upstox_client import InitiatePayoutRequest, ModifyPayoutRequest

from check import check

MODES = {"UPI", "NEFT", "IMPS", "RTGS", "NETBANKING"}


@check("GET /v2/user/payments/payin")
def payments_in_are_listed(trial):
    """At most twenty, newest first."""
    trial.sdk.user.get_payin_history()
    rows = trial.data()
    trial.expect(0 < len(rows) <= 20, "payments in:", len(rows))
    stamps = [row["created_at"] for row in rows]
    trial.same(stamps, sorted(stamps, reverse=True), "order")
    trial.expect(all(row["amount"] > 0 and row["currency"] == "INR" for row in rows), "amounts")


@check("GET /v2/user/payments/payout/modes")
def ways_of_paying_out(trial):
    """At least one."""
    trial.sdk.user.get_payout_modes()
    trial.expect(trial.data(), "no way of paying out")


@check("POST /v2/user/payments/payout", "GET /v2/user/payments/payout")
def a_payout_is_taken_and_listed(trial):
    """The newest of the list; a second one is refused while it waits."""
    request = InitiatePayoutRequest(mode="NEFT", amount=1000)
    trial.sdk.user.initiate_payout(request)
    payout = trial.data()
    trial.same((payout["amount"], payout["mode"]), (1000, "NEFT"), "payout")
    trial.notes["payout"] = payout["transaction_id"]
    trial.sdk.user.get_payout_history()
    ids = [row["transaction_id"] for row in trial.data()]
    trial.expect(payout["transaction_id"] in ids, "the list lacks the payout")


@check("PUT /v2/user/payments/payout/{transaction_id}")
def a_payout_takes_another_amount(trial):
    """Same id."""
    trial.sdk.user.modify_payout(ModifyPayoutRequest(amount=1500), trial.notes["payout"])
    trial.same(trial.data()["amount"], 1500, "amount")


@check("DELETE /v2/user/payments/payout/{transaction_id}")
def a_payout_can_be_called_back(trial):
    """Its status tells it; it cannot be called back twice."""
    trial.sdk.user.cancel_payout(trial.notes["payout"])
    trial.expect("cancel" in str(trial.data()["status"]).lower(), "status:", trial.data()["status"])
