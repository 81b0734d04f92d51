mod ai_imutis;
