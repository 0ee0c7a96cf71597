-- Views of the trade log: rupees, Indian times, and the names that older systems used.
CREATE VIEW trade_performance AS
SELECT p.session_id * 100000 + p.position_no AS id,
  s.day || '/' || s.venue || '/' || p.position_no AS trade_id,
  p.strategy AS strategy,
  i.symbol AS symbol,
  strftime('%Y-%m-%d %H:%M:%S', p.entry_ns / 1000000000, 'unixepoch', '+330 minutes') AS entry_time,
  strftime('%Y-%m-%d %H:%M:%S', p.exit_ns / 1000000000, 'unixepoch', '+330 minutes') AS exit_time,
  p.entry_price_e4 / 10000.0 AS entry_price,
  p.exit_price_e4 / 10000.0 AS exit_price,
  CASE p.side WHEN 'SHORT' THEN -p.qty ELSE p.qty END AS quantity,
  p.net_e4 / 10000.0 AS pnl,
  CASE WHEN p.entry_value_e4 > 0 THEN 100.0 * p.net_e4 / p.entry_value_e4 END AS pnl_percent,
  p.hold_ns / 60000000000.0 AS hold_time_minutes,
  p.exit_reason AS exit_reason,
  strftime('%Y-%m-%d %H:%M:%S', s.last_ns / 1000000000, 'unixepoch', '+330 minutes') AS created_at,
  s.is_real_money AS is_real_money
FROM positions p JOIN sessions s USING (session_id) JOIN instruments i USING (session_id, instrument_no)
WHERE p.is_open = 0;

CREATE VIEW daily_performance AS
SELECT d.session_id AS id,
  s.day AS date,
  d.total_trades AS total_trades,
  d.winning_trades AS winning_trades,
  d.losing_trades AS losing_trades,
  d.net_e4 / 10000.0 AS total_pnl,
  d.largest_win_e4 / 10000.0 AS largest_win,
  d.largest_loss_e4 / 10000.0 AS largest_loss,
  d.sharpe_ratio AS sharpe_ratio,
  d.max_drawdown_e4 / 10000.0 AS max_drawdown,
  d.gross_e4 / 10000.0 AS gross,
  d.charges_e4 / 10000.0 AS charges,
  d.win_rate_ppm / 10000.0 AS win_rate_percent,
  d.profit_factor AS profit_factor,
  d.fill_rate_ppm / 10000.0 AS fill_rate_percent,
  s.data AS data,
  s.venue AS venue,
  s.is_real_money AS is_real_money
FROM performance_days d JOIN sessions s USING (session_id);

CREATE VIEW fills_by_hour AS
SELECT s.day AS day,
  CAST(strftime('%H', t.trade_ns / 1000000000, 'unixepoch', '+330 minutes') AS INTEGER) AS hour,
  count(*) AS fills,
  sum(t.value_e4) / 10000.0 AS turnover,
  sum(t.slippage_e4) / 10000.0 AS slippage,
  sum(t.charges_e4) / 10000.0 AS charges,
  s.is_real_money AS is_real_money
FROM trades t JOIN sessions s USING (session_id)
GROUP BY t.session_id, hour;

CREATE VIEW slippage_by_symbol AS
SELECT i.symbol AS symbol, s.venue AS venue,
  count(*) AS orders,
  sum(o.filled_qty) AS units,
  sum(o.slippage_e4) / 10000.0 AS slippage,
  avg(o.slippage_bps) AS mean_bps,
  max(o.slippage_bps) AS worst_bps
FROM orders o JOIN sessions s USING (session_id) JOIN instruments i USING (session_id, instrument_no)
WHERE o.is_ours = 1 AND o.slippage_e4 IS NOT NULL
GROUP BY i.symbol, s.venue;

CREATE VIEW tax_sheet AS
SELECT s.day AS day, i.symbol AS symbol, i.kind AS kind, p.side AS side, p.qty AS qty,
  CASE p.side WHEN 'LONG' THEN p.entry_value_e4 ELSE p.exit_value_e4 END / 10000.0 AS bought,
  CASE p.side WHEN 'LONG' THEN p.exit_value_e4 ELSE p.entry_value_e4 END / 10000.0 AS sold,
  p.gross_e4 / 10000.0 AS gross,
  abs(p.gross_e4) / 10000.0 AS turnover_for_audit,
  p.charges_e4 / 10000.0 AS charges,
  (SELECT sum(t.stt_e4) FROM trades t
    WHERE t.session_id = p.session_id AND t.position_no = p.position_no) / 10000.0 AS of_these_stt,
  p.net_e4 / 10000.0 AS net,
  s.is_real_money AS is_real_money
FROM positions p JOIN sessions s USING (session_id) JOIN instruments i USING (session_id, instrument_no)
WHERE p.is_open = 0;
