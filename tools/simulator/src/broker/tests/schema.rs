//! The keys of every answer of the account's calls, against the models of the broker's official client library.

use super::*;

/// A call and the keys of its `data`, or of its rows.
const KEYS: &[(&str, &str)] = &[
    (
        "/v2/user/profile",
        "broker email exchanges is_active order_types poa products user_id user_name user_type",
    ),
    (
        "/v2/portfolio/short-term-positions",
        "average_price buy_price buy_value close_price day_buy_price day_buy_quantity day_buy_value \
         day_sell_price day_sell_quantity day_sell_value exchange instrument_token last_price multiplier \
         overnight_buy_amount overnight_buy_quantity overnight_quantity overnight_sell_amount \
         overnight_sell_quantity pnl product quantity realised sell_price sell_value trading_symbol \
         tradingsymbol unrealised value",
    ),
    (
        "/v2/portfolio/long-term-holdings",
        "average_price close_price cnc_used_quantity collateral_quantity collateral_type \
         collateral_update_quantity company_name day_change day_change_percentage exchange haircut \
         instrument_token isin last_price pnl product quantity t1_quantity trading_symbol tradingsymbol",
    ),
    (
        "/v2/order/retrieve-all",
        "average_price disclosed_quantity exchange exchange_order_id exchange_timestamp filled_quantity guid \
         instrument_token is_amo order_id order_ref_id order_request_id order_timestamp order_type \
         parent_order_id pending_quantity placed_by price product quantity status status_message \
         status_message_raw tag trading_symbol tradingsymbol transaction_type trigger_price validity variety",
    ),
    (
        "/v2/order/history?tag=BJ01",
        "average_price disclosed_quantity exchange exchange_order_id exchange_timestamp filled_quantity \
         instrument_token is_amo order_id order_request_id order_timestamp order_type parent_order_id placed_by \
         price product quantity status status_message tag trading_symbol tradingsymbol transaction_type \
         trigger_price validity variety",
    ),
    (
        "/v2/order/trades/get-trades-for-day",
        "average_price exchange exchange_order_id exchange_timestamp instrument_token order_id order_ref_id \
         order_timestamp order_type product quantity trade_id trading_symbol tradingsymbol transaction_type",
    ),
    (
        "/v3/order/gtt",
        "created_at exchange expires_at gtt_order_id instrument_token product quantity rules trading_symbol type",
    ),
    (
        "/v2/user/kill-switch",
        "kill_switch_enabled segment segment_status",
    ),
    (
        "/v2/user/ip",
        "access_tokens_invalidated primary_ip primary_ip_updated_at secondary_ip secondary_ip_updated_at",
    ),
    (
        "/v2/user/payments/payin",
        "amount bank_name charges_category created_at currency eta last_updated_at mode reason status \
         total_charges transaction_id",
    ),
    (
        "/v2/ipos",
        "bidding_end_date bidding_start_date id industry investors isin issue_size issue_type maximum_price \
         minimum_price name status symbol total_subscription",
    ),
    (
        "/v2/ipos/simulated-industries-limited-ipo",
        "bidding_end_date bidding_start_date cut_off_price daily_end_time daily_start_time drhp_url face_value \
         id industry investors isin issue_size issue_type listing_exchange listing_price lot_size maximum_price \
         minimum_price minimum_quantity name registrar_info rhp_url status symbol tick_size timeline \
         total_subscription",
    ),
    (
        "/v2/mf/holdings",
        "average_price folio fund instrument_key last_price last_price_date pledged_quantity pnl quantity",
    ),
    (
        "/v2/mf/orders",
        "amount average_price exchange_order_id exchange_timestamp folio fund instrument_key last_price \
         last_price_date order_id order_timestamp price purchase_type quantity settlement_id status \
         status_message transaction_type variety",
    ),
    (
        "/v2/mf/sips",
        "completed_instalments created dividend_type frequency fund instalment_amount instalment_day \
         instalments instrument_key last_instalment next_instalment pending_instalments sip_id sip_reg_number \
         sip_type status transaction_type trigger_price",
    ),
    (
        "/v2/charges/historical-trades?start_date=2026-07-01&end_date=2026-07-31&page_number=1&page_size=5",
        "amount exchange expiry instrument_token isin option_type price quantity scrip_name segment \
         strike_price symbol trade_date trade_id transaction_type",
    ),
    (
        "/v2/trade/profit-loss/data?segment=EQ&financial_year=2627&page_number=1&page_size=5",
        "buy_amount buy_average buy_date isin quantity scrip_name sell_amount sell_average sell_date trade_type",
    ),
];

#[test]
fn every_row_has_the_keys_of_its_model_and_no_other() {
    let mut bench = Bench::with(BrokerSettings {
        options: BrokerOptions::default(),
        ..settings()
    });
    bench.place(&[("price", json!(100.0))]).expect("accepted");
    let rule = json!([{ "strategy": "ENTRY", "trigger_type": "BELOW", "trigger_price": 90.0 }]);
    let gtt = json!({ "type": "SINGLE", "quantity": 1, "product": "D", "instrument_token": SHARE,
        "transaction_type": "BUY", "rules": rule });
    bench.call(Host::Api, "POST", "/v3/order/gtt/place", &gtt);
    for (target, expected) in KEYS {
        let data = bench.get(target);
        let row = if data.is_array() { data[0].clone() } else { data };
        let mut keys: Vec<&str> = row
            .as_object()
            .unwrap_or_else(|| panic!("{target}: no row"))
            .keys()
            .map(String::as_str)
            .collect();
        keys.sort_unstable();
        let expected: Vec<&str> = expected.split_whitespace().collect();
        assert_eq!(keys, expected, "{target}");
    }
}
