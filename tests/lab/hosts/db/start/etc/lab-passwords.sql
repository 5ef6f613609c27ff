ALTER ROLE tower_owner PASSWORD '${tower_owner}';
ALTER ROLE tower_app PASSWORD '${tower_app}';
ALTER ROLE rollout_reader PASSWORD '${rollout_reader}';
ALTER ROLE rollout_ledger PASSWORD '${rollout_ledger}';
