SELECT known_at, asset, CASE WHEN score > 0.5 THEN 0.4 ELSE 0 END AS target_weight
  FROM feed WHERE score IS NOT NULL AND vix < 25;
